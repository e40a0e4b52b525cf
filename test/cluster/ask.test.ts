import { Container } from '@forinda/kickjs-core'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { Cluster, type Question } from '../../src/cluster/ask.js'
import { Membership } from '../../src/cluster/membership.js'
import { ThisNode } from '../../src/cluster/this-node.js'
import { CONFIG, loadConfig } from '../../src/config.js'
import { Database } from '../../src/db/database.js'

const howMany: Question<null, number> = { name: 'how many', query: z.null(), answer: z.number() }

/** This node, called `twin`, beside others that say so much. */
function nodeBeside(replies: unknown[]) {
  const container = new Container()
    .registerInstance(CONFIG, {
      ...loadConfig({}),
      jwtSecret: 'a secret that is long enough for a test',
      nodeName: 'twin',
    })
    .registerInstance(Database, Object.create(Database.prototype))
  const cluster = container.resolve(Cluster)
  cluster.open({
    serverSideEmit: (_event, _name, _query, done) => {
      done(null, replies)
      return true
    },
    on: () => {},
  })
  cluster.answer(howMany, () => 1)
  const leased = (id: string, name: string) => ({ id, name, startedAt: 'now', presenceVersion: 0 })
  container.resolve(Membership).live = [
    leased(container.resolve(ThisNode).id, 'twin'),
    leased('b', 'twin'),
    leased('c', 'other'),
  ]
  return cluster
}

test('a node that says nothing is missing, also where another one has its name', async () => {
  const cluster = nodeBeside([{ nodeId: 'c', node: 'other', answer: 3 }])
  expect(await cluster.ask(howMany, null)).toEqual({
    answers: [
      { node: 'twin', answer: 1 },
      { node: 'other', answer: 3 },
    ],
    missing: ['twin'],
  })
})

test('nodes of one name are heard each by itself, and who cannot be understood is missing', async () => {
  const cluster = nodeBeside([
    { nodeId: 'b', node: 'twin', answer: 2 },
    { nodeId: 'c', node: 'other', answer: 'many' },
    'nonsense',
  ])
  expect(await cluster.ask(howMany, null)).toEqual({
    answers: [
      { node: 'twin', answer: 1 },
      { node: 'twin', answer: 2 },
    ],
    missing: ['other'],
  })
})
