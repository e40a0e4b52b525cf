import { createServer } from 'node:http'
import { and, asc, count, desc, eq, type SQL } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { integer, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core'
import express from 'express'
import pg from 'pg'
import { asker } from './asker.js'
import { listen } from './listen.js'

/** Tasks as the articles list them: a page by its offset, and a count of all, without the people and labels of tasks. */
const moment = (name: string) => timestamp(name, { withTimezone: true })
const tasks = pgTable('tasks', {
  id: uuid().primaryKey(),
  workspaceId: uuid('workspace_id'),
  projectId: uuid('project_id').notNull(),
  number: integer(),
  title: text(),
  description: text(),
  status: text().notNull(),
  priority: text().notNull(),
  dueDate: moment('due_date'),
  createdAt: moment('created_at'),
  updatedAt: moment('updated_at'),
})

const db = drizzle(new pg.Pool({ connectionString: process.env.DATABASE_URL }))
const sorts: Record<string, SQL> = {
  createdAt: asc(tasks.createdAt),
  '-priority': desc(tasks.priority),
  dueDate: asc(tasks.dueDate),
}

const app = express()
app.get('/projects/:projectId/tasks', async (req, res) => {
  asker(req)
  const { sort, status, priority } = req.query
  const [page, limit] = [Number(req.query.page), Number(req.query.limit)]
  const matching = and(
    eq(tasks.projectId, req.params.projectId),
    status === undefined ? undefined : eq(tasks.status, String(status)),
    priority === undefined ? undefined : eq(tasks.priority, String(priority)),
  )
  const listing = db.select().from(tasks).where(matching)
  const [data, [total]] = await Promise.all([
    listing
      .orderBy(sorts[String(sort)] ?? asc(tasks.createdAt))
      .limit(limit)
      .offset((page - 1) * limit),
    db.select({ count: count() }).from(tasks).where(matching),
  ])
  res.json({ success: true, data, meta: { page, limit, total: total?.count } })
})
listen(createServer(app))
