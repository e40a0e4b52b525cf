import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Bus } from '../../src/cluster/bus.js'
import { type Nodes, startNodes, until } from '../cluster/nodes.js'
import { Api, register, type TestUser, workspaceOf } from '../support/api.js'
import { newProject, newTask, race } from '../work/support.js'
import { ActivityStream } from './support.js'

let cluster: Nodes
let ann: TestUser
let there: Api
let workspaceId: string

beforeAll(async () => {
  cluster = await startNodes(2)
  const [here, other] = cluster.nodes
  ann = await register(here?.origin ?? '')
  there = new Api(other?.origin ?? '', ann.accessToken)
  workspaceId = (await workspaceOf(ann)).id
  const isUp = () => cluster.nodes.every(({ container }) => container.resolve(Bus).state === 'up')
  await until(isUp, 'the bus')
})
afterAll(() => cluster.stop())

describe('on two nodes', () => {
  it('the streams of each hear what is done on both, once and in order', async () => {
    const { id } = await newProject(ann, workspaceId)
    const streams = cluster.nodes.map(
      ({ origin }) =>
        new ActivityStream(`${origin}/api/v1/workspaces/${workspaceId}/activity/live?since=0`, ann),
    )
    await Promise.all(streams.map(stream => stream.ready()))
    const writers = [ann.api, there]
    const tasks = await race(60, n => newTask(writers[n % 2] ?? there, id, { title: `Task ${n}` }))
    for (const stream of streams) {
      await stream.until(() => stream.activities.length >= 62 || undefined)
      expect(stream.activities.map(({ seq }) => seq)).toEqual(Array.from({ length: 62 }, (_, n) => n + 1))
      const told = stream.activities.map(({ taskId }) => taskId)
      expect(new Set(told.slice(2))).toEqual(new Set(tasks.map(task => task.id)))
      stream.close()
    }
  })
})
