import type { ClientBase } from 'pg'
import { messageDrafts } from './messages.js'
import { taskDrafts } from './tasks.js'

const taskTables = `
  create table tasks (id uuid primary key, workspace_id uuid not null, project_id uuid not null, number int not null,
    title text not null, description text not null, status text not null, priority text not null,
    due_date timestamptz, created_at timestamptz not null, updated_at timestamptz not null);
  create table workspace_members (workspace_id uuid not null, user_id uuid not null);
  create table projects (id uuid primary key, workspace_id uuid not null);
  create table channels (id uuid primary key, workspace_id uuid not null)`

/** One for each thing that is asked. */
const taskIndexes = `
  create index on tasks (project_id, created_at);
  create index on tasks (project_id, status, priority, created_at);
  create index on tasks (project_id, priority);
  create index on tasks (project_id, due_date);
  create index on tasks (workspace_id, status);
  create index on workspace_members (workspace_id);
  create index on projects (workspace_id);
  create index on channels (workspace_id)`

const insertTasks = `
  insert into tasks
  select id, $3::uuid, $2::uuid, n, title, description, status, priority, due_date, created_at, created_at
  from (${taskDrafts}) drafts`

/** The same tasks as Vibed has, in a project of a workspace with twenty members and as many channels. */
export async function fillArticlesTasks(
  client: ClientBase,
  place: { workspaceId: string; projectId: string },
  count: number,
): Promise<void> {
  const { workspaceId, projectId } = place
  await client.query(taskTables)
  await client.query(insertTasks, [count, projectId, workspaceId])
  await client.query('insert into projects values ($1, $2)', [projectId, workspaceId])
  for (const [table, rows] of Object.entries({
    workspace_members: '$1, gen_random_uuid()',
    channels: 'gen_random_uuid(), $1',
  }))
    await client.query(`insert into ${table} select ${rows} from generate_series(1, 20)`, [workspaceId])
  await client.query(taskIndexes)
  await client.query('vacuum analyze')
}

const messageTables = `
  create table messages (id uuid primary key default gen_random_uuid(), channel_id uuid not null,
    sender_id uuid not null, content text not null, mentions uuid[] not null,
    created_at timestamptz not null default now(), updated_at timestamptz not null default now());
  create table channel_reads (channel_id uuid not null, read_at timestamptz not null)`

const insertMessages = `
  insert into messages (id, channel_id, sender_id, content, mentions, created_at, updated_at)
  select id, $2::uuid, sender_id, content, '{}', created_at, created_at from (${messageDrafts}) drafts`

/** As those of Vibed's reader: see `markRead`. Messages are a second apart. */
const insertReads = `
  insert into channel_reads
  select t.id, (select max(created_at) from messages where channel_id = t.id)
    - (n - 1) * $2::int / cardinality($1::uuid[]) * interval '1 s'
  from unnest($1::uuid[]) with ordinality as t(id, n)`

/** The same messages as Vibed has: one long channel, and others with less, up to which somebody has read. */
export async function fillArticlesMessages(
  client: ClientBase,
  { channelIds, long, others }: { channelIds: readonly string[]; long: number; others: number },
  senderIds: readonly string[],
): Promise<void> {
  await client.query(messageTables)
  for (const [n, id] of channelIds.entries())
    await client.query(insertMessages, [n === 0 ? long : others, id, senderIds])
  await client.query('create index on messages (channel_id, created_at)')
  await client.query(insertReads, [channelIds, others])
  await client.query('vacuum analyze')
}
