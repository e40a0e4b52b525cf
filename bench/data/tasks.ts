import type { ClientBase } from 'pg'
import { idOf, inBulk } from './bulk.js'

/** Where tasks go, and who has to do with them. */
export interface TaskPlace {
  workspaceId: string
  projectId: string
  memberIds: readonly string[]
}

/**
 * Tasks as a team leaves them behind, by their number: a third in the backlog, a quarter done, half of them dated,
 * made ten seconds after one another. `$1` is how many, `$2` the project.
 */
export const taskDrafts = `
  select n, ${idOf('task', '$2::text || n', 'at')} as id, at as created_at,
    'Task ' || n || ' of the long list of things to do' as title,
    'What is to be done, and why: ' || repeat('as was said before, ', 8 + n % 8) as description,
    (array['backlog', 'backlog', 'backlog', 'backlog', 'backlog', 'backlog', 'todo', 'todo', 'todo', 'todo', 'todo',
      'in_progress', 'in_progress', 'in_progress', 'in_review', 'done', 'done', 'done', 'done', 'cancelled'])[1 + n % 20]
      as status,
    (array['none', 'low', 'medium', 'high', 'critical'])[1 + n / 20 % 5] as priority,
    case when n % 2 = 0 then timestamptz '2026-01-01' + n % 1461 * interval '1 day' end as due_date
  from generate_series(1, $1::int) n, lateral (select timestamptz '2024-01-01' + n * interval '10 s' as at) made`

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** A rank of four digits, as `fractional-indexing` writes whole numbers. */
const rank = `'d' || ${[238_328, 3_844, 62, 1].map(unit => `substr('${DIGITS}', n / ${unit} % 62 + 1, 1)`).join(' || ')}`

const insertTasks = `
  insert into tasks (id, workspace_id, project_id, number, title, description, status, priority, reporter_id, due_date,
    rank, seq, created_at, updated_at, started_at, completed_at)
  select id, $3::uuid, $2::uuid, n, title, description, status, priority::priority, $4::uuid, due_date,
    ${rank}, n, created_at, created_at + n % 97 * interval '1 hour',
    case when status in ('in_progress', 'in_review', 'done') then created_at end,
    case when status = 'done' then created_at end
  from (${taskDrafts}) drafts`

/** One for each task; labels for half of them, comments for a quarter. */
const insertAssignees = `
  insert into task_assignees (workspace_id, task_id, user_id)
  select workspace_id, id, ($2::uuid[])[1 + number % cardinality($2::uuid[])] from tasks where project_id = $1`
const insertLabels = `
  insert into labels (id, workspace_id, name, color)
  select gen_random_uuid(), $1, 'label ' || n, '#00aa55' from generate_series(1, 8) n`
const insertTaskLabels = `
  with numbered as (select id, row_number() over (order by name) - 1 as n from labels where workspace_id = $2)
  insert into task_labels (workspace_id, task_id, label_id)
  select t.workspace_id, t.id, l.id from tasks t join numbered l on l.n = t.number / 2 % 8
  where t.project_id = $1 and t.number % 2 = 0`
const insertComments = `
  insert into comments (id, workspace_id, task_id, author_id, content, created_at, updated_at)
  select gen_random_uuid(), workspace_id, id, $2, 'Seen, and thought about', updated_at, updated_at
  from tasks where project_id = $1 and number % 4 = 0`

const standing = `update projects set last_task_number = $2::int, last_seq = $2::int where id = $1`

/** Fills a new project. The server has to be down, or at least not to look at it. */
export async function fillTasks(client: ClientBase, place: TaskPlace, count: number): Promise<void> {
  const { workspaceId, projectId, memberIds } = place
  const [reporterId] = memberIds
  await inBulk(client, ['tasks', 'task_assignees', 'task_labels', 'comments'], async () => {
    await client.query(insertTasks, [count, projectId, workspaceId, reporterId])
    await client.query(insertAssignees, [projectId, memberIds])
    await client.query(insertLabels, [workspaceId])
    await client.query(insertTaskLabels, [projectId, workspaceId])
    await client.query(insertComments, [projectId, reporterId])
    await client.query(standing, [projectId, count])
  })
}
