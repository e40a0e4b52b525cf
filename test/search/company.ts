import { register, type TestUser } from '../support/api.js'
import type { TestApp } from '../support/app.js'
import { rows } from '../work/support.js'

// Four workspaces of five projects and five channels each, the last two channels private. Everything has a
// word of its own (`t17`, `m17`, `k17`, `f17`), the word of its place (`p0x2`, `c3x4`), words that some share
// and, if even, one that half of everything has. Every fiftieth is deleted.

const WORKSPACES = 4
const PLACES = 5

/** Where in the company: the project or channel of a workspace, by their places. */
export interface Place {
  workspace: number
  project?: number
  channel?: number
}

interface Membership {
  role: 'owner' | 'member' | 'guest'
  projects?: readonly number[]
  channels?: readonly number[]
}

/** By workspace. Somebody without a membership there may once have had one. */
const memberships: Record<string, Partial<Record<number, Membership>>> = {
  Ann: { 0: { role: 'owner', channels: [3] }, 1: { role: 'member' } },
  Bob: { 0: { role: 'member', channels: [4] }, 1: { role: 'guest', projects: [0], channels: [0] } },
  Gus: { 0: { role: 'guest', projects: [1, 2], channels: [1, 4] }, 2: { role: 'guest' } },
  Eve: { 2: { role: 'owner', channels: [3, 4] }, 3: { role: 'guest', projects: [4] } },
  Rem: { 3: { role: 'owner' } },
}

export interface Company {
  people: { name: string; user: TestUser }[]
  workspaceIds: string[]
  /** Where each task, comment, file and message is; what is deleted is nowhere. */
  places: Map<string, Place>
  /** The tasks and messages that stand, by their own words. */
  ids: Map<string, string>
}

/** Whether somebody may read there, by the table above and not by what the server thinks. */
export function mayRead(name: string, { workspace, project, channel }: Place): boolean {
  const membership = memberships[name]?.[workspace]
  if (membership === undefined) return false
  const { role, projects = [], channels = [] } = membership
  if (project !== undefined) return role !== 'guest' || projects.includes(project)
  if (channel === undefined) return false
  return channels.includes(channel) || (role !== 'guest' && channel < 3)
}

export const isIn = (name: string, workspace: number) => memberships[name]?.[workspace] !== undefined

/** Fills an empty database with as many tasks, as many messages, and some comments and files. */
export async function found(app: TestApp, size: number): Promise<Company> {
  const people = await Promise.all(
    Object.keys(memberships).map(async name => ({ name, user: await register(app.origin, name) })),
  )
  const [owner] = people
  await rows(
    app,
    'insert into workspaces (id, name, slug) select gen_random_uuid(), n, n from generate_series(0, $1) n',
    [WORKSPACES - 1],
  )
  await places(app, owner?.user.id)
  await members(app, people)
  await texts(app, size, owner?.user.id)
  const workspaceIds = (await rows(app, 'select id from workspaces order by name')).map(({ id }) => id)
  return { people, workspaceIds, ...(await whereabouts(app)) }
}

async function places(app: TestApp, by: string | undefined) {
  await rows(
    app,
    `insert into projects (id, workspace_id, name, key, created_by)
     select gen_random_uuid(), w.id, n, 'P' || w.name || 'X' || n, $1 from workspaces w, generate_series(0, $2) n`,
    [by, PLACES - 1],
  )
  await rows(
    app,
    `insert into project_statuses (project_id, key, name, "group", position)
     select id, 'todo', 'To do', 'unstarted', 0 from projects`,
  )
  await rows(
    app,
    `insert into channels (id, workspace_id, name, type, created_by)
     select gen_random_uuid(), w.id, n, case when n < 3 then 'public' else 'private' end::channel_type, $1
     from workspaces w, generate_series(0, $2) n`,
    [by, PLACES - 1],
  )
}

async function members(app: TestApp, people: Company['people']) {
  for (const { name, user } of people) {
    for (const [workspace, membership] of Object.entries(memberships[name] ?? {})) {
      const { role, projects = [], channels = [] } = membership ?? { role: 'guest' }
      const values = [user.id, workspace]
      await rows(
        app,
        'insert into workspace_members (workspace_id, user_id, role) select id, $1, $3 from workspaces where name = $2',
        [...values, role],
      )
      await rows(
        app,
        `insert into project_members (workspace_id, project_id, user_id)
         select w.id, p.id, $1 from workspaces w join projects p on p.workspace_id = w.id where w.name = $2 and p.name = any($3)`,
        [...values, projects],
      )
      await rows(
        app,
        `insert into channel_members (workspace_id, channel_id, user_id)
         select w.id, c.id, $1 from workspaces w join channels c on c.workspace_id = w.id where w.name = $2 and c.name = any($3)`,
        [...values, channels],
      )
    }
  }
}

/** The n-th text of its kind, in a project (`p`) or channel (`c`). */
const text = (kind: string, place: string) =>
  `'${kind}' || n || ' ${place}' || w.name || 'x' || place.name || ' w' || n * 7919 % 500 || ' w' || n * 31 % 37
    || case n % 2 when 0 then ' common' else '' end`
const when = `lateral (select timestamptz '2026-01-01' + (n / 7) * interval '1 s' as at) q`
const deleted = 'case n % 50 when 0 then now() end'

/** Indexes of words are made afterwards, which takes a fraction of the time. */
async function texts(app: TestApp, size: number, by: string | undefined) {
  const indexes = await rows(
    app,
    `select indexname, indexdef from pg_indexes where indexname like '%\\_search'`,
  )
  for (const { indexname } of indexes) await rows(app, `drop index ${indexname}`)
  const numbered = (table: string) =>
    `generate_series(1, $1) n join (select *, row_number() over (order by id) - 1 as i from ${table}) place
       on place.i = n / 3 % ${WORKSPACES * PLACES} join workspaces w on w.id = place.workspace_id, ${when}`
  await rows(
    app,
    `insert into tasks (id, workspace_id, project_id, number, title, description, status, reporter_id, rank, seq, created_at, updated_at, deleted_at)
     select gen_random_uuid(), w.id, place.id, n, ${text('t', 'p')}, 'w' || n * 13 % 1000, 'todo', $2,
       lpad(n::text, 8, '0') || 'V', n, at, at, ${deleted}
     from ${numbered('projects')}`,
    [size, by],
  )
  await rows(
    app,
    `insert into messages (id, channel_id, sender_id, content, position, seq, created_at, updated_at, deleted_at)
     select gen_random_uuid(), place.id, $2, ${text('m', 'c')}, n, n, at, at, ${deleted}
     from ${numbered('channels')}`,
    [size, by],
  )
  const onTasks = `from (select *, number as n from tasks where number % 5 = 0) t
    join projects place on place.id = t.project_id join workspaces w on w.id = t.workspace_id`
  await rows(
    app,
    `insert into comments (id, workspace_id, task_id, author_id, content, created_at, updated_at, deleted_at)
     select gen_random_uuid(), w.id, t.id, $1, ${text('k', 'p')}, t.created_at, t.created_at,
       case n % 65 when 0 then now() end ${onTasks}`,
    [by],
  )
  await rows(
    app,
    `insert into attachments (id, workspace_id, task_id, uploader_id, file_name, content_type, size, storage_key, created_at, deleted_at)
     select gen_random_uuid(), w.id, t.id, $1, replace(${text('f', 'p')}, ' ', '_') || '.pdf', 'application/pdf', 1,
       t.id::text, t.created_at, case n % 65 when 0 then now() end ${onTasks}`,
    [by],
  )
  for (const { indexdef } of indexes) await rows(app, indexdef)
  await rows(app, 'vacuum (analyze) tasks, messages, comments, attachments')
}

async function whereabouts(app: TestApp) {
  const onTask = (table: string) =>
    `select x.id, '' as word, w.name as workspace, p.name as project, null as channel from ${table} x
     join tasks t on t.id = x.task_id join projects p on p.id = t.project_id join workspaces w on w.id = p.workspace_id
     where x.deleted_at is null and t.deleted_at is null`
  const all = await rows(
    app,
    `select t.id, 't' || t.number as word, w.name as workspace, p.name as project, null as channel from tasks t
     join projects p on p.id = t.project_id join workspaces w on w.id = p.workspace_id where t.deleted_at is null
     union all ${onTask('comments')} union all ${onTask('attachments')}
     union all select m.id, 'm' || m.position, w.name, null, c.name from messages m
     join channels c on c.id = m.channel_id join workspaces w on w.id = c.workspace_id where m.deleted_at is null`,
  )
  const places = new Map<string, Place>()
  const ids = new Map<string, string>()
  for (const { id, word, workspace, project, channel } of all) {
    const place = project === null ? { channel: Number(channel) } : { project: Number(project) }
    places.set(id, { workspace: Number(workspace), ...place })
    if (word !== '') ids.set(word, id)
  }
  return { places, ids }
}
