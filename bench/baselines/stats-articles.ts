import { createServer } from 'node:http'
import { and, count, eq, notInArray, type SQL } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { pgTable, text, uuid } from 'drizzle-orm/pg-core'
import express from 'express'
import pg from 'pg'
import { asker } from './asker.js'
import { listen } from './listen.js'

/** Statistics as the articles make them: six counts for whoever asks, and for each stream again every ten seconds. */
const workspaceId = uuid('workspace_id').notNull()
const members = pgTable('workspace_members', { workspaceId })
const projects = pgTable('projects', { workspaceId })
const channels = pgTable('channels', { workspaceId })
const tasks = pgTable('tasks', { workspaceId, status: text().notNull() })

const db = drizzle(new pg.Pool({ connectionString: process.env.DATABASE_URL }))
const app = express()

app.get('/workspaces/:workspaceId/stats', async (req, res) => {
  asker(req)
  res.json({ success: true, data: await statistics(req.params.workspaceId) })
})

app.get('/workspaces/:workspaceId/stats/live', async (req, res) => {
  asker(req)
  res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
  const send = async () => {
    const data = JSON.stringify(await statistics(req.params.workspaceId))
    res.write(`event: workspace:stats\ndata: ${data}\n\n`)
  }
  await send()
  const interval = setInterval(() => void send(), 10_000)
  res.on('close', () => clearInterval(interval))
})
listen(createServer(app))

async function statistics(id: string) {
  const inWorkspace = eq(tasks.workspaceId, id)
  const [memberCount, projectCount, taskCount, openTasks, completedTasks, channelCount] = await Promise.all([
    countOf(members, eq(members.workspaceId, id)),
    countOf(projects, eq(projects.workspaceId, id)),
    countOf(tasks, inWorkspace),
    countOf(tasks, and(inWorkspace, notInArray(tasks.status, ['done', 'cancelled']))),
    countOf(tasks, and(inWorkspace, eq(tasks.status, 'done'))),
    countOf(channels, eq(channels.workspaceId, id)),
  ])
  const timestamp = new Date().toISOString()
  return { memberCount, projectCount, taskCount, openTasks, completedTasks, channelCount, timestamp }
}

async function countOf(
  table: typeof members | typeof projects | typeof tasks | typeof channels,
  condition: SQL | undefined,
): Promise<number> {
  const [found] = await db.select({ count: count() }).from(table).where(condition)
  return found?.count ?? 0
}
