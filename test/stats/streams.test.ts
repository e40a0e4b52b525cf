import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { Access } from '../../src/access/access.js'
import { Events } from '../../src/events.js'
import { LiveSessions } from '../../src/modules/auth/sessions/live-sessions.js'
import { StatsService } from '../../src/modules/stats/stats.service.js'
import { LiveStreams } from '../../src/realtime/live-streams.js'
import { Api, register, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { connectChat } from '../support/chat.js'
import { newProject, newTask, race } from '../work/support.js'
import { type Listening, listen } from './listening.js'

let app: TestApp
let owner: TestUser
let workspace: { id: string }
let project: { id: string }
const open: Listening[] = []

beforeAll(async () => {
  app = await startApp()
})
afterAll(() => app.stop())
beforeEach(async () => {
  owner = await register(app.origin, 'Owner')
  workspace = await workspaceOf(owner)
  project = await newProject(owner, workspace.id)
})
afterEach(() => {
  for (const listening of open.splice(0)) listening.close()
  vi.useRealTimers()
})

const url = (path: string) => `${app.origin}/api/v1${path}`
const bearer = (user: TestUser) => ({ authorization: `Bearer ${user.accessToken}` })

function watch(path: string, event = 'stats:update', headers: Record<string, string> = bearer(owner)) {
  const listening = listen(url(path), event, headers)
  open.push(listening)
  return listening
}

const live = (kind: 'workspaces' | 'projects' = 'workspaces') =>
  `/${kind}/${kind === 'workspaces' ? workspace.id : project.id}/stats/live`

describe('a stream of statistics', () => {
  test.each([
    ['workspace', () => live(), 'stats:update'],
    ['project', () => live('projects'), 'stats:update'],
    ['workspace', () => `/stats/workspace/${workspace.id}/stream`, 'workspace:stats'],
    ['project', () => `/stats/project/${project.id}/stream`, 'project:stats'],
  ] as const)('of a %s brings what REST gives, and each change', async (kind, path, event) => {
    const watching = watch(path(), event)
    const first = await watching.next()
    const id = kind === 'workspace' ? workspace.id : project.id
    const { timestamp: _, ...numbers } = await owner.api.data('GET', `/stats/${kind}/${id}`)
    expect(first).toEqual({ ...numbers, timestamp: expect.stringMatching(/Z$/) })
    const total = kind === 'workspace' ? 'taskCount' : 'totalTasks'
    const task = await newTask(owner.api, project.id)
    await watching.next(stats => stats[total] === 1)
    await owner.api.data('PATCH', `/tasks/${task.id}/status`, { status: 'done' })
    await watching.next(stats => stats.completedTasks === 1 || stats.completionRate === 100)
    await owner.api.data('DELETE', `/tasks/${task.id}`)
    await watching.next(stats => stats[total] === 0, 1)
  })

  test('of a workspace follows its members, projects and channels', async () => {
    const watching = watch(live())
    await watching.next(({ memberCount, projectCount }) => memberCount === 1 && projectCount === 1)
    const other = await register(app.origin)
    const { token } = await owner.api.data('POST', `/workspaces/${workspace.id}/invite`, {
      email: other.email,
      role: 'member',
    })
    await other.api.data('POST', '/invitations/accept', { token })
    await watching.next(({ memberCount }) => memberCount === 2)
    await owner.api.data('POST', `/workspaces/${workspace.id}/channels`, { name: 'general', type: 'private' })
    await watching.next(({ channelCount }) => channelCount === 1)
    const { id } = await newProject(owner, workspace.id)
    await watching.next(({ projectCount }) => projectCount === 2)
    await owner.api.data('DELETE', `/projects/${id}`)
    await watching.next(({ projectCount }) => projectCount === 1, watching.heard.length)
    await owner.api.data('DELETE', `/workspaces/${workspace.id}/members/${other.id}`)
    await watching.next(({ memberCount }) => memberCount === 1, watching.heard.length)
  })

  test('follows also what another node only hinted at', async () => {
    const watching = [watch(live()), watch(live('projects'))]
    for (const stream of watching) await stream.next()
    await app.database.pool.query(
      `insert into tasks (id, workspace_id, project_id, number, title, status, reporter_id, rank, seq)
      values (gen_random_uuid(), $1, $2, 1, 'Quiet', 'backlog', $3, 'a0', 1)`,
      [workspace.id, project.id, owner.id],
    )
    const wakeUp = { workspaceId: workspace.id, projectId: project.id, lastSeq: 1 }
    app.container.resolve(Events).deliver('project.advanced', wakeUp)
    const started = Date.now()
    await watching[0]?.next(({ taskCount }) => taskCount === 1)
    await watching[1]?.next(({ totalTasks }) => totalTasks === 1)
    // Well before the streams would have counted by themselves.
    expect(Date.now() - started).toBeLessThan(4_000)
  })

  test('has the headers of a stream, and tells how soon to come back', async () => {
    const aborting = new AbortController()
    const response = await fetch(url(live()), { headers: bearer(owner), signal: aborting.signal })
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      connection: 'keep-alive',
      'x-accel-buffering': 'no',
    })
    const { value } = (await response.body?.pipeThrough(new TextDecoderStream()).getReader().read()) ?? {}
    expect(value).toMatch(/^retry: 3000\n\n/)
    aborting.abort()
  })

  test('counts distinct users online, not their tabs, and only those of the workspace', async () => {
    const [member, stranger] = [await register(app.origin), await register(app.origin)]
    const team = await workspaceOf(owner, member)
    const watching = watch(`/workspaces/${team.id}/stats/live`)
    await watching.next(({ onlineUsersCount }) => onlineUsersCount === 0)
    const chats = [
      await connectChat(app.origin, owner.accessToken),
      await connectChat(app.origin, owner.accessToken),
      await connectChat(app.origin, stranger.accessToken),
      await connectChat(app.origin, member.accessToken),
    ]
    await watching.next(({ onlineUsersCount }) => onlineUsersCount === 2)
    expect(watching.heard.every(({ onlineUsersCount }) => onlineUsersCount <= 2)).toBe(true)
    for (const chat of chats) chat.close()
  })
})

describe('a browser opens it', () => {
  test('with the cookie of its sign-in', async () => {
    const { headers } = await new Api(app.origin).post('/auth/login', {
      email: owner.email,
      password: 'correct horse',
    })
    const [cookie = ''] = headers.getSetCookie().map(text => text.split(';')[0] ?? '')
    expect(await watch(live(), 'stats:update', { cookie }).next()).toMatchObject({ memberCount: 1 })
  })

  test('with a ticket, as often as it likes', async () => {
    const { ticket } = await owner.api.data('POST', '/auth/stream-tickets', { path: live('projects') })
    for (let n = 0; n < 3; n++) {
      const watching = watch(`${live('projects')}?ticket=${ticket}`, 'stats:update', {})
      expect(await watching.next()).toMatchObject({ totalTasks: 0 })
    }
  })

  test.each([
    ['nothing', () => live(), 401],
    ['an access token in the URL', () => `${live()}?ticket=${owner.accessToken}`, 401],
    ['a parameter that streams do not know', () => `${live()}?since=1`, 401],
  ])('not with %s', async (_, path, status) => {
    expect((await fetch(url(path()))).status).toBe(status)
  })

  test('not with a ticket for another stream', async () => {
    const { ticket } = await owner.api.data('POST', '/auth/stream-tickets', { path: live('projects') })
    expect((await fetch(url(`${live()}?ticket=${ticket}`))).status).toBe(401)
  })

  test('not where its user has no access, though he may have a ticket', async () => {
    const outsider = await register(app.origin)
    const { ticket } = await outsider.api.data('POST', '/auth/stream-tickets', { path: live() })
    expect((await fetch(url(`${live()}?ticket=${ticket}`))).status).toBe(404)
    expect((await outsider.api.get(live())).body).toMatchObject({ code: 'WORKSPACE_NOT_FOUND' })
    expect((await outsider.api.get(live('projects'))).body).toMatchObject({ code: 'PROJECT_NOT_FOUND' })
  })

  test('not with an id that is none, or a parameter that it does not know', async () => {
    expect((await owner.api.get('/workspaces/nonsense/stats/live')).status).toBe(422)
    expect((await owner.api.get(`${live()}?since=1`)).body.errors).toMatchObject([{ path: 'query.since' }])
  })
})

describe('whoever loses access hears no more', () => {
  let member: TestUser
  let team: { id: string }
  let work: { id: string }

  beforeEach(async () => {
    member = await register(app.origin, 'Member')
    team = await workspaceOf(owner, member)
    work = await newProject(owner, team.id)
  })

  async function watchBoth(user: TestUser) {
    const both = [
      watch(`/workspaces/${team.id}/stats/live`, 'stats:update', bearer(user)),
      watch(`/projects/${work.id}/stats/live`, 'stats:update', bearer(user)),
    ] as const
    await Promise.all(both.map(watching => watching.next()))
    return both
  }

  /** Those streams end within a second of this. */
  async function endedBy(action: () => unknown, ...streams: Listening[]) {
    const begun = Date.now()
    await action()
    await Promise.all(streams.map(stream => stream.lost()))
    expect(Date.now() - begun).toBeLessThan(1_000)
  }

  test('when removed from the workspace, while others go on', async () => {
    const streams = await watchBoth(member)
    const [others] = await watchBoth(owner)
    const known = others.heard.length
    await endedBy(() => owner.api.data('DELETE', `/workspaces/${team.id}/members/${member.id}`), ...streams)
    await others.next(({ memberCount }) => memberCount === 1, known)
    expect(others.errors).toEqual([])
  })

  test('when his session is revoked, while his other sessions go on', async () => {
    const streams = await watchBoth(member)
    const again = await new Api(app.origin).data('POST', '/auth/login', {
      email: member.email,
      password: 'correct horse',
    })
    const other = watch(`/workspaces/${team.id}/stats/live`, 'stats:update', {
      authorization: `Bearer ${again.accessToken}`,
    })
    await other.next()
    await endedBy(
      () => new Api(app.origin).post('/auth/logout', { refreshToken: member.refreshToken }),
      ...streams,
    )
    await newTask(owner.api, work.id)
    await other.next(({ taskCount }) => taskCount === 1)
  })

  test('when his token expires', async () => {
    const streams = await watchBoth(member)
    const sweeping = app.container.resolve(LiveStreams)
    sweeping.sweep(Date.now() + 14 * 60_000)
    await newTask(owner.api, work.id)
    await Promise.all(
      streams.map(stream => stream.next(({ taskCount, totalTasks }) => taskCount === 1 || totalTasks === 1)),
    )
    await endedBy(() => sweeping.sweep(Date.now() + 15 * 60_000), ...streams)
  })

  test('when the project is deleted: of that project alone', async () => {
    const [ofWorkspace, ofProject] = await watchBoth(member)
    await endedBy(() => owner.api.data('DELETE', `/projects/${work.id}`), ofProject)
    await ofWorkspace.next(({ projectCount }) => projectCount === 0)
    expect(ofWorkspace.errors).toEqual([])
  })

  test('when the workspace is deleted', async () => {
    const streams = await watchBoth(member)
    await endedBy(() => owner.api.data('DELETE', `/workspaces/${team.id}`), ...streams)
  })

  test('when made a guest, of projects that guests do not see', async () => {
    const [ofWorkspace, ofProject] = await watchBoth(member)
    const role = (name: string) =>
      owner.api.data('PATCH', `/workspaces/${team.id}/members/${member.id}`, { role: name })
    await role('admin')
    await newTask(owner.api, work.id)
    await ofProject.next(({ totalTasks }) => totalTasks === 1)
    await endedBy(() => role('guest'), ofProject)
    await newTask(owner.api, work.id)
    await ofWorkspace.next(({ taskCount }) => taskCount === 2)
  })

  test('when a guest is taken out of the project', async () => {
    const guest = await register(app.origin, 'Guest')
    const { token } = await owner.api.data('POST', `/workspaces/${team.id}/invite`, {
      email: guest.email,
      role: 'guest',
    })
    await guest.api.data('POST', '/invitations/accept', { token })
    await owner.api.data('PUT', `/projects/${work.id}/members/${guest.id}`)
    const [ofWorkspace, ofProject] = await watchBoth(guest)
    await endedBy(() => owner.api.data('DELETE', `/projects/${work.id}/members/${guest.id}`), ofProject)
    expect(ofWorkspace.errors).toEqual([])
  })
})

describe('whoever loses access while his stream opens hears nothing', () => {
  let member: TestUser
  let team: { id: string }

  beforeEach(async () => {
    member = await register(app.origin, 'Member')
    team = await workspaceOf(owner, member)
  })
  afterEach(() => {
    vi.restoreAllMocks()
  })

  const opened = async () => {
    const response = await fetch(url(`/workspaces/${team.id}/stats/live`), { headers: bearer(member) })
    return { status: response.status, text: await response.text() }
  }

  test('by his removal from the workspace', async () => {
    const access = app.container.resolve(Access)
    const workspace = access.workspace.bind(access)
    vi.spyOn(access, 'workspace').mockImplementationOnce(async (...asked) => {
      const found = await workspace(...asked)
      await owner.api.data('DELETE', `/workspaces/${team.id}/members/${member.id}`)
      return found
    })
    expect(await opened()).toEqual({ status: 200, text: 'retry: 3000\n\n' })
  })

  test('by the end of his session', async () => {
    const sessions = app.container.resolve(LiveSessions)
    const live = sessions.live.bind(sessions)
    vi.spyOn(sessions, 'live').mockImplementationOnce(async (...asked) => {
      const found = await live(...asked)
      await new Api(app.origin).post('/auth/logout', { refreshToken: member.refreshToken })
      return found
    })
    expect(await opened()).toEqual({ status: 200, text: 'retry: 3000\n\n' })
  })

  test('or cannot be checked', async () => {
    const access = app.container.resolve(Access)
    const workspace = access.workspace.bind(access)
    vi.spyOn(access, 'workspace')
      .mockImplementationOnce(async (...asked) => {
        const found = await workspace(...asked)
        await owner.api.data('PATCH', `/workspaces/${team.id}/members/${member.id}`, { role: 'guest' })
        return found
      })
      .mockImplementation(async (user, ...asked) => {
        if (user.id === member.id) throw new Error('the database is away')
        return workspace(user, ...asked)
      })
    expect(await opened()).toEqual({ status: 200, text: 'retry: 3000\n\n' })
  })
})

describe('a hundred streams on one workspace', () => {
  /** As many, all open and told once; what opening them cost. */
  async function crowd(count: number) {
    const before = app.statements()
    const streams = Array.from({ length: count }, () => watch(live()))
    await Promise.all(streams.map(stream => stream.next()))
    return { streams, cost: app.statements() - before }
  }

  /** How many statements a change costs until all have heard of it. */
  async function costOfChange(streams: Listening[]) {
    const task = await newTask(owner.api, project.id)
    await Promise.all(streams.map(stream => stream.next(({ taskCount }) => taskCount === 1)))
    const before = app.statements()
    const known = streams.map(({ heard }) => heard.length)
    await owner.api.data('DELETE', `/tasks/${task.id}`)
    await Promise.all(streams.map((stream, n) => stream.next(({ taskCount }) => taskCount === 0, known[n])))
    return app.statements() - before
  }

  /** How many statements ten seconds of quiet cost. */
  async function costOfPeriod(streams: Listening[]) {
    const before = app.statements()
    const known = streams.map(({ heard }) => heard.length)
    vi.advanceTimersByTime(10_000)
    await Promise.all(streams.map((stream, n) => stream.next(() => true, known[n])))
    return app.statements() - before
  }

  test('cost no more statements than one, to open, on a change and in quiet', async () => {
    await app.quiet()
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], shouldAdvanceTime: true })
    const one = await crowd(1)
    const changeForOne = await costOfChange(one.streams)
    expect(await costOfPeriod(one.streams)).toBe(1)
    for (const { source } of one.streams) source.close()
    const begun = performance.now()
    const hundred = await crowd(100)
    const seconds = Math.floor((performance.now() - begun) / 1_000)
    // Each has its access checked, and all together ask once for the numbers, and once a second for the session.
    expect(hundred.cost).toBeLessThanOrEqual(102 + seconds)
    expect(await costOfChange(hundred.streams)).toBe(changeForOne)
    expect(await costOfPeriod(hundred.streams)).toBe(1)
  })

  test('hear a storm of writes four times a second at most, and its end', async () => {
    const { streams } = await crowd(100)
    const tasks = Array.from({ length: 60 }, () => newTask(owner.api, project.id))
    await Promise.all(tasks)
    await Promise.all(streams.map(stream => stream.next(({ taskCount }) => taskCount === 60)))
    for (const { heard } of streams) {
      const times = heard.map(({ timestamp }) => Date.parse(timestamp))
      const busiest = times.map(from => times.filter(time => time >= from && time < from + 1_000).length)
      expect(Math.max(...busiest)).toBeLessThanOrEqual(4)
    }
  })

  test('leave nothing behind when they are closed', async () => {
    const { streams } = await crowd(100)
    const [live, stats] = [app.container.resolve(LiveStreams), app.container.resolve(StatsService)]
    expect([live.size, stats.topics]).toEqual([100, 1])
    for (const stream of streams) stream.close()
    await vi.waitFor(() => expect([live.size, stats.topics]).toEqual([0, 0]))
  })
})

test('whoever has as many streams open as he may gets no more, until he closes one', async () => {
  const limited = await startApp({ config: { rateLimits: true, maxConnectionsPerUser: 50 } })
  const user = await register(limited.origin)
  const { id } = await workspaceOf(user)
  const path = `${limited.origin}/api/v1/workspaces/${id}/stats/live`
  const aborting = new AbortController()
  const open = () => fetch(path, { headers: bearer(user), signal: aborting.signal })
  const opened = await race(50, open)
  expect(opened.every(({ status }) => status === 200)).toBe(true)
  const refused = await fetch(path, { headers: bearer(user) })
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '5'])
  aborting.abort()
  await vi.waitFor(async () => {
    const again = await fetch(path, { headers: bearer(user) })
    expect(again.status).toBe(200)
    await again.body?.cancel()
  })
  await limited.stop()
})
