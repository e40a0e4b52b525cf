import { createServer } from 'node:http'
import express from 'express'
import pg from 'pg'
import { listen } from './listen.js'

/** A task, and a board, of Vibed's own tables and with all that Vibed tells: prepared statements, and nobody is asked. */
const TASK = `
  select t.id, p.key || '-' || t.number as key, t.project_id as "projectId", t.workspace_id as "workspaceId", t.title,
    t.description, t.status, t.priority, t.reporter_id as "reporterId", t.parent_task_id as "parentTaskId",
    t.due_date as "dueDate", t.estimate_points as "estimatePoints", t.rank, t.version, t.seq,
    t.created_at as "createdAt", t.updated_at as "updatedAt", t.started_at as "startedAt",
    t.completed_at as "completedAt",
    coalesce((
      select json_agg(json_build_object('id', u.id, 'username', u.username, 'firstName', u.first_name,
        'lastName', u.last_name, 'avatarUrl', u.avatar_url) order by a.assigned_at, u.id)
      from task_assignees a join users u on u.id = a.user_id where a.task_id = t.id), '[]') as assignees,
    coalesce((
      select json_agg(json_build_object('id', l.id, 'name', l.name, 'color', l.color) order by lower(l.name), l.id)
      from task_labels tl join labels l on l.id = tl.label_id where tl.task_id = t.id), '[]') as labels,
    (select count(*) from comments c where c.task_id = t.id and c.deleted_at is null)::int as "commentCount",
    (select count(*) from attachments f where f.task_id = t.id and f.deleted_at is null)::int as "attachmentCount"
  from tasks t join projects p on p.id = t.project_id`
const CARDS = `
  select first.id from project_statuses s cross join lateral (
    select id from tasks where project_id = s.project_id and status = s.key and deleted_at is null
    order by rank limit 50
  ) first where s.project_id = $1`

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL })
const app = express()

app.get('/tasks/:taskId', async (req, res) => {
  const text = `${TASK} where t.id = $1`
  const { rows } = await pool.query({ name: 'task', text, values: [req.params.taskId] })
  res.json({ success: true, data: rows[0] })
})

app.get('/projects/:projectId/board', async (req, res) => {
  const values = [req.params.projectId]
  const [columns, cards] = await Promise.all([
    pool.query({ name: 'columns', text: 'select * from project_statuses where project_id = $1', values }),
    pool.query({ name: 'cards', text: `${TASK} where t.id in (${CARDS}) order by t.rank, t.id`, values }),
  ])
  const data = columns.rows.map(column => ({
    ...column,
    tasks: cards.rows.filter(card => card.status === column.key),
  }))
  res.json({ success: true, data: { columns: data } })
})
listen(createServer(app))
