import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { ActivityRepository } from '../../src/modules/activity/activity.repository.js'
import { registerAll, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { followed } from '../support/metrics.js'
import { newProject, newTask, problemOf, race, rows } from '../work/support.js'
import { ActivityStream } from './support.js'

let app: TestApp
let ann: TestUser
let ben: TestUser
let gus: TestUser
let workspaceId: string
let project: { id: string }
const open: ActivityStream[] = []

beforeAll(async () => {
  app = await startApp()
  ;[ann, ben, gus] = await registerAll(app.origin, 'Ann', 'Ben', 'Gus')
})
afterAll(() => app.stop())
beforeEach(async () => {
  workspaceId = (await workspaceOf(ann, ben, [gus, 'guest'])).id
  project = await newProject(ann, workspaceId)
})
afterEach(() => {
  for (const stream of open.splice(0)) stream.close()
  vi.restoreAllMocks()
})

function watch(user: TestUser, query = '', lastEventId?: string) {
  const url = `${app.origin}/api/v1/workspaces/${workspaceId}/activity/live${query}`
  const stream = new ActivityStream(url, user, lastEventId)
  open.push(stream)
  return stream
}

const path = () => `/workspaces/${workspaceId}/activity/live`
const rename = (name: string) => ann.api.data('PATCH', `/workspaces/${workspaceId}`, { name })
const renamed = (name: string) => (activity: { after: object | null }) =>
  activity.after !== null && 'name' in activity.after && activity.after.name === name
const seqsOf = ({ activities }: ActivityStream) => activities.map(({ seq }) => seq)
const lastSeq = async (): Promise<number> =>
  (await rows(app, 'select last_seq from workspaces where id = $1', [workspaceId]))[0].last_seq
const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, n) => first + n)

describe('a stream of activity', () => {
  it('says where it begins, and then brings each one as the list has it', async () => {
    const stream = watch(ann)
    const begin = await lastSeq()
    expect(await stream.ready()).toEqual({ event: 'ready', id: String(begin), data: { lastSeq: begin } })
    await rename('Renamed')
    const heard = await stream.next(renamed('Renamed'))
    const [latest] = await ann.api.data('GET', `/workspaces/${workspaceId}/activity?limit=1`)
    expect(heard).toEqual(latest)
    expect(stream.heard).toHaveLength(2)
    expect(stream.lastEventId).toBe(String(begin + 1))
  })

  it('opens with a ticket, too', async () => {
    const { ticket } = await ann.api.data('POST', '/auth/stream-tickets', { path: path() })
    const response = await fetch(`${app.origin}/api/v1${path()}?ticket=${ticket}&since=0`)
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    await response.body?.cancel()
  })

  it('replays what was missed since, then says that it is live', async () => {
    const stream = watch(ann, '?since=0')
    const { event } = await stream.ready()
    expect(event).toBe('ready')
    expect(seqsOf(stream)).toEqual(upTo(await lastSeq()))
  })

  it('goes by Last-Event-ID rather than by a URL that is older', async () => {
    const known = await lastSeq()
    await rename('Missed')
    const stream = watch(ann, '?since=0', String(known))
    await stream.ready()
    expect(seqsOf(stream)).toEqual([known + 1])
  })

  it.each(['abc', '-1', '1.5', '99999999999999999999'])('takes no Last-Event-ID %s', async id => {
    const answer = await ann.api.get(path(), { headers: { 'last-event-id': id } })
    expect(problemOf(answer)).toBe('422 VALIDATION_ERROR headers.last-event-id')
    expect(problemOf(await ann.api.get(`${path()}?since=${id}`))).toBe('422 VALIDATION_ERROR query.since')
  })

  it('says reset where too much was missed, and goes on from there', async () => {
    const text = `
      with stepped as (update workspaces set last_seq = last_seq + 501 where id = $1 returning last_seq)
      insert into activities (workspace_id, seq, id, type, after)
      select $1, last_seq - 500 + n, gen_random_uuid(), 'workspace.tested', '{}' from stepped, generate_series(0, 500) n`
    const known = await lastSeq()
    await rows(app, text, [workspaceId])
    const last = await lastSeq()
    const [late, early] = [watch(ann, `?since=${known}`), watch(ann, `?since=${known + 1}`)]
    expect(await late.ready()).toEqual({ event: 'reset', id: String(last), data: { lastSeq: last } })
    expect((await early.ready()).event).toBe('ready')
    expect(seqsOf(early)).toEqual(upTo(last, known + 2))
    await rename('After')
    await late.next(renamed('After'))
    expect(seqsOf(late)).toEqual([last + 1])
  })

  it('brings more than may wait for its reader, missed or live, as he takes it', async () => {
    const live = watch(ann)
    await live.ready()
    const text = `
      with stepped as (update workspaces set last_seq = last_seq + 450 where id = $1 returning last_seq)
      insert into activities (workspace_id, seq, id, type, after)
      select $1, last_seq - 449 + n, gen_random_uuid(), 'workspace.tested',
        jsonb_build_object('text', repeat('x', 1000)) from stepped, generate_series(0, 449) n`
    const known = await lastSeq()
    await rows(app, text, [workspaceId])
    const late = watch(ann, `?since=${known}`)
    await late.ready()
    await live.until(() => live.activities.length >= 450 || undefined)
    expect(seqsOf(late)).toEqual(upTo(known + 450, known + 1))
    expect(seqsOf(live)).toEqual(seqsOf(late))
  })

  it('says reset to who claims to know what has not happened yet', async () => {
    expect((await watch(ann, '?since=1000000').ready()).event).toBe('reset')
  })

  it('finds what nobody told this server of', async () => {
    const stream = watch(ann)
    await stream.ready()
    const text = `
      with stepped as (update workspaces set last_seq = last_seq + 1 where id = $1 returning last_seq)
      insert into activities (workspace_id, seq, id, type, after)
      select $1, last_seq, gen_random_uuid(), 'workspace.tested', '{}' from stepped`
    await rows(app, text, [workspaceId])
    await stream.next(({ type }) => type === 'workspace.tested')
  })

  it('goes on, in order, after it could not be found out for a while who may hear', async () => {
    const stream = watch(ann)
    await stream.ready()
    const begin = await lastSeq()
    const judge = vi.spyOn(app.container.resolve(ActivityRepository), 'readersOf')
    judge.mockRejectedValueOnce(new Error('away'))
    await rename('First')
    await rename('Second')
    await stream.next(renamed('Second'))
    expect(seqsOf(stream)).toEqual([begin + 1, begin + 2])
    expect(judge.mock.calls.length).toBeGreaterThan(1)
  })

  it('costs as many statements for many listeners as for one', async () => {
    const costOf = async (listeners: number) => {
      const streams = Array.from({ length: listeners }, () => watch(ann))
      await Promise.all(streams.map(stream => stream.ready()))
      const costs: number[] = []
      for (let n = 0; n < 5; n++) {
        const before = app.statements()
        const name = `Name ${listeners} ${n}`
        await rename(name)
        await Promise.all(streams.map(stream => stream.next(renamed(name))))
        costs.push(app.statements() - before)
      }
      for (const stream of streams) stream.close()
      return Math.min(...costs)
    }
    expect(await costOf(40)).toBe(await costOf(1))
  })

  it('is followed no more when its last listener has gone', async () => {
    const stream = watch(ann)
    await stream.ready()
    expect(await followed(app, 'activity')).toBe(1)
    stream.close()
    await expect.poll(() => followed(app, 'activity'), { timeout: 5_000 }).toBe(0)
  })
})

describe('whoever listens hears only what he may see by then', () => {
  const letIn = (userId: string) => ann.api.data('PUT', `/projects/${project.id}/members/${userId}`)
  const shutOut = (userId: string) => ann.api.data('DELETE', `/projects/${project.id}/members/${userId}`)
  const title = (title: string) => newTask(ann.api, project.id, { title })
  const titled = (title: string) => (activity: { after: object | null }) =>
    activity.after !== null && 'title' in activity.after && activity.after.title === title

  /** What ann hears last has passed everybody else, too. */
  async function settled(witness: ActivityStream) {
    await rename('Settled')
    await witness.next(renamed('Settled'))
  }

  it('as a guest, who is let in and shut out', async () => {
    const [stream, witness] = [watch(gus, '?since=0'), watch(ann)]
    await Promise.all([stream.ready(), witness.ready()])
    await title('Before')
    await witness.next(titled('Before'))
    await letIn(gus.id)
    await title('Within')
    await stream.next(titled('Within'))
    await shutOut(gus.id)
    await title('After')
    await settled(witness)
    // One who is let in again hears what comes then, after all that he was not to hear.
    await letIn(gus.id)
    await stream.next(
      ({ type, seq }) => type === 'project.member_added' && seq > (stream.activities[0]?.seq ?? 0),
    )
    expect(stream.activities.map(({ type, after }) => [type, after])).toEqual([
      ['project.member_added', { userId: gus.id }],
      ['task.created', expect.objectContaining({ title: 'Within' })],
      ['project.member_added', { userId: gus.id }],
    ])
    expect(stream.ended).toBe(false)
    const again = watch(gus, '', stream.lastEventId)
    await again.ready()
    expect(again.activities).toEqual([])
  })

  it('when he became a guest, and when he is none any more', async () => {
    const [stream, witness] = [watch(ben), watch(ann)]
    await Promise.all([stream.ready(), witness.ready()])
    const become = (role: string) =>
      ann.api.data('PATCH', `/workspaces/${workspaceId}/members/${ben.id}`, { role })
    await become('guest')
    await title('Hidden')
    await witness.next(titled('Hidden'))
    await become('member')
    await title('Shown')
    await stream.next(titled('Shown'))
    expect(stream.activities.map(({ type }) => type)).toEqual(['member.role_changed', 'task.created'])
  })

  it('in a private channel: those who are in it', async () => {
    const [stream, witness] = [watch(ben), watch(ann)]
    await Promise.all([stream.ready(), witness.ready()])
    const fields = { name: 'secret', type: 'private' }
    const { id } = await ann.api.data('POST', `/workspaces/${workspaceId}/channels`, fields)
    await ann.api.data('PATCH', `/channels/${id}`, { description: 'unseen' })
    await witness.next(({ after }) => after?.description === 'unseen')
    await ann.api.data('POST', `/channels/${id}/members`, { userId: ben.id })
    await ann.api.data('PATCH', `/channels/${id}`, { description: 'seen' })
    await Promise.all([stream, witness].map(each => each.next(({ after }) => after?.description === 'seen')))
    expect(stream.activities.map(({ type }) => type)).toEqual(['channel.member_added', 'channel.updated'])
    expect(witness.activities).toHaveLength(4)
  })

  it('until he is removed: then the stream ends, and resumes nowhere', async () => {
    const [stream, witness] = [watch(ben), watch(ann)]
    await Promise.all([stream.ready(), witness.ready()])
    await title('Seen')
    await stream.next(titled('Seen'))
    await ann.api.data('DELETE', `/workspaces/${workspaceId}/members/${ben.id}`)
    await stream.end()
    await title('Unseen')
    await settled(witness)
    expect(stream.activities.map(({ after }) => after)).toEqual([expect.objectContaining({ title: 'Seen' })])
    const headers = { 'last-event-id': stream.lastEventId ?? '' }
    expect(problemOf(await ben.api.get(path(), { headers }))).toBe('404 WORKSPACE_NOT_FOUND')
  })
})

describe('twenty who write at once, and streams that are cut and resumed at random', () => {
  const kinds = (writer: TestUser, taskId: string, n: number) => {
    const { api } = writer
    const inWorkspace = `/workspaces/${workspaceId}`
    const here: (() => Promise<unknown>)[] = [
      () => newTask(api, project.id, { title: `Task ${n}` }),
      () => api.data('PATCH', `/tasks/${taskId}`, { title: `Title ${n}` }),
      () => api.data('POST', `/tasks/${taskId}/reorder`, { status: n % 2 ? 'done' : 'todo' }),
      () => api.data('PUT', `/tasks/${taskId}/assignees/${n % 2 ? ann.id : ben.id}`),
      async () => {
        const { id } = await api.data('POST', `/tasks/${taskId}/comments`, { content: `Comment ${n}` })
        await api.data('PATCH', `/comments/${id}`, { content: `Comment ${n}, edited` })
        await api.data('DELETE', `/comments/${id}`)
      },
      async () => api.data('DELETE', `/tasks/${(await newTask(api, project.id)).id}`),
      async () => {
        const type = n % 2 ? 'private' : 'public'
        const { id } = await api.data('POST', `${inWorkspace}/channels`, { name: `channel-${n}`, type })
        await api.data('PATCH', `/channels/${id}`, { description: `Number ${n}` })
      },
      async () => {
        const { id } = await newProject(writer, workspaceId)
        await newTask(api, id)
        await ann.api.data('DELETE', `/projects/${id}`)
      },
      async () => {
        const email = `somebody-${n}@example.com`
        const { invitationId } = await ann.api.data('POST', `${inWorkspace}/invite`, { email, role: 'guest' })
        await ann.api.data('DELETE', `/invitations/${invitationId}`)
      },
      () => rename(`Name ${n}`),
    ]
    return here[n % here.length] ?? here[0]
  }

  /** Who may see which, told without the server. */
  const visible = `
    select a.seq from activities a left join channels c on c.id = a.channel_id
    where a.workspace_id = $1 and (c.id is null or c.type = 'public' or exists (
      select 1 from channel_members m where m.channel_id = c.id and m.user_id = $2))
    and (a.type not in ('member.invited', 'member.uninvited') or $3 = 'owner')
    and (a.project_id = $4 or $3 <> 'guest') order by a.seq`

  /** Listens until all is done, and is cut again and again; gives every sequence number that it heard. */
  async function listenBadly(user: TestUser, isDone: () => boolean) {
    const heard: number[] = []
    let lastEventId: string | undefined = '0'
    let cuts = 0
    while (!isDone() || cuts === 0) {
      const stream: ActivityStream = watch(user, '', lastEventId)
      const enough = Math.random() * 12
      await Promise.race([
        stream.until(() => stream.activities.length > enough || undefined),
        delay(20 + Math.random() * 300),
      ])
      stream.close()
      heard.push(...seqsOf(stream))
      lastEventId = stream.lastEventId ?? lastEventId
      cuts += 1
    }
    const rest = watch(user, '', lastEventId)
    await rest.ready()
    return { cuts, heard: [...heard, ...seqsOf(rest)] }
  }

  it('together heard every activity that is in the database, each once and in order', async () => {
    await ann.api.data('PUT', `/projects/${project.id}/members/${gus.id}`)
    const task = await newTask(ann.api, project.id)
    let done = false
    const listening = Promise.all([ann, ben, gus].map(user => listenBadly(user, () => done)))
    const steady = watch(ann, '?since=0')
    await race(20, async writer => {
      for (let n = 0; n < 8; n++) await kinds(writer % 2 ? ann : ben, task.id, writer * 8 + n)?.()
    })
    const last = await lastSeq()
    done = true
    const [anns, bens, gusses] = await listening
    await steady.until(() => (seqsOf(steady).at(-1) ?? 0) >= last - 1 || undefined)
    const expected = async (user: TestUser, role: string) =>
      (await rows(app, visible, [workspaceId, user.id, role, project.id])).map(({ seq }) => seq)
    expect(last).toBeGreaterThan(250)
    expect(anns?.heard).toEqual(await expected(ann, 'owner'))
    expect(bens?.heard).toEqual(await expected(ben, 'member'))
    expect(gusses?.heard).toEqual(await expected(gus, 'guest'))
    expect((await expected(gus, 'guest')).length).toBeLessThan(last / 1.5)
    await vi.waitFor(async () => expect(seqsOf(steady)).toEqual(await expected(ann, 'owner')), 5_000)
    expect(Math.min(anns?.cuts ?? 0, bens?.cuts ?? 0, gusses?.cuts ?? 0)).toBeGreaterThan(3)
  }, 120_000)
})
