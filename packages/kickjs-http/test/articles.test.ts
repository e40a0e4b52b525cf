import { Autowired, Container, Controller, Get, Middleware, ref, Service, watch } from '@forinda/kickjs-core'
import type { RequestContext } from '@forinda/kickjs-http'
import { EventSource } from 'eventsource'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { serve } from './harness.js'

const successResponse = <T>(data: T) => ({ success: true, data })
const onlineUsers = new Map<string, { userId: string; userName: string }>()
const getOnlineUsers = () => onlineUsers

const authBridgeMiddleware = (ctx: RequestContext, next: () => void) => {
  if (ctx.headers.authorization !== 'Bearer good') return ctx.json({ message: 'Not signed in' }, 401)
  ctx.set('userId', 'ann')
  next()
}

const workspaceMembershipGuard = async (ctx: RequestContext, next: () => void) => {
  if (ctx.params.workspaceId !== 'mine') return ctx.json({ message: 'Not a member' }, 403)
  next()
}

const projectAccessGuard = workspaceMembershipGuard.bind(undefined)

@Service()
class TaskRepository {
  async countByStatus(_projectId: string): Promise<Record<string, number>> {
    return { todo: 1, done: 2 }
  }
}

@Middleware(authBridgeMiddleware)
@Controller()
class StatsController {
  @Autowired() private taskRepo!: TaskRepository

  @Get('/workspaces/:workspaceId/stats/live', {
    params: z.object({ workspaceId: z.string() }),
  })
  @Middleware(workspaceMembershipGuard)
  async workspaceLive(ctx: RequestContext) {
    const sse = ctx.sse()

    const sendStats = async () => {
      const onlineUsers = getOnlineUsers()
      sse.send(
        {
          onlineUsersCount: onlineUsers.size,
          timestamp: new Date().toISOString(),
        },
        'stats:update',
      )
    }

    // Send initial data immediately
    await sendStats()
    // Then push updates every 10 seconds
    const interval = setInterval(sendStats, 10000)
    sse.onClose(() => {
      clearInterval(interval)
    })
  }

  @Get('/projects/:projectId/stats/live', {
    params: z.object({ projectId: z.string() }),
  })
  async projectLive(ctx: RequestContext) {
    const sse = ctx.sse()
    const projectId = ctx.params.projectId

    const sendStats = async () => {
      const tasksByStatus = await this.taskRepo.countByStatus(projectId)
      const totalTasks = Object.values(tasksByStatus).reduce((sum, count) => sum + count, 0)
      const doneTasks = tasksByStatus.done ?? 0
      const completionRate = totalTasks > 0 ? Math.round((doneTasks / totalTasks) * 100) : 0
      sse.send(
        {
          tasksByStatus,
          totalTasks,
          completionRate,
          timestamp: new Date().toISOString(),
        },
        'stats:update',
      )
    }

    await sendStats()
    const interval = setInterval(sendStats, 10000)
    sse.onClose(() => {
      clearInterval(interval)
    })
  }

  @Get('/workspaces/:workspaceId/activity/live')
  @Middleware(projectAccessGuard)
  async activityLive(ctx: RequestContext) {
    const sse = ctx.sse()
    // Keep-alive comment every 30 seconds
    const interval = setInterval(() => {
      sse.comment('keep-alive')
    }, 30000)
    sse.onClose(() => {
      clearInterval(interval)
    })
  }

  @Get('/channel/:channelId')
  async listByChannel(ctx: RequestContext) {
    const messages = [
      ctx.params.channelId,
      ctx.query.cursor as string | undefined,
      ctx.query.limit ? Number(ctx.query.limit) : undefined,
    ]
    ctx.json(successResponse(messages))
  }
}

const notifications = ref<string[]>([])

@Controller('/events')
class EventsController {
  @Get('/clock')
  stream(ctx: RequestContext) {
    const sse = ctx.sse()

    // Send a tick every second
    const interval = setInterval(() => {
      sse.send({ time: new Date().toISOString() }, 'tick')
    }, 1000)

    // Clean up when client disconnects
    sse.onClose(() => {
      clearInterval(interval)
    })
  }

  @Get('/notifications')
  notifications(ctx: RequestContext) {
    const sse = ctx.sse()

    const stop = watch(notifications, items => {
      sse.send({ notifications: items }, 'update')
    })

    sse.onClose(() => stop())
  }
}

const sources: EventSource[] = []

/** An EventSource that signs in by header. `next(event)` is the data of the next such event. */
function listen(url: string) {
  const source = new EventSource(url, {
    fetch: (input, init) =>
      fetch(input, { ...init, headers: { ...init.headers, authorization: 'Bearer good' } }),
  })
  sources.push(source)
  const opened = new Promise<void>(resolve => source.addEventListener('open', () => resolve()))
  const next = (event: string) =>
    new Promise(resolve =>
      source.addEventListener(event, ({ data }) => resolve(JSON.parse(data)), { once: true }),
    )
  return { source, opened, next }
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
})

afterEach(() => {
  for (const source of sources.splice(0)) source.close()
  vi.useRealTimers()
})

describe('the stats controller of the articles', () => {
  test('streams at once, then every ten seconds, until the dashboard leaves', async () => {
    const { url } = await serve([StatsController], { container: new Container() })
    const { source, next } = listen(`${url}/projects/p1/stats/live`)
    expect(await next('stats:update')).toMatchObject({
      tasksByStatus: { todo: 1, done: 2 },
      totalTasks: 3,
      completionRate: 67,
    })
    const second = next('stats:update')
    await vi.advanceTimersByTimeAsync(10_000)
    expect(await second).toMatchObject({ totalTasks: 3 })
    source.close()
    await vi.waitUntil(() => vi.getTimerCount() === 0, { interval: 1 })
  })

  test('guards a stream as any other route', async () => {
    const { at, url } = await serve([StatsController])
    const headers = { authorization: 'Bearer good' }
    expect((await at('/workspaces/mine/stats/live')).status).toBe(401)
    expect((await at('/workspaces/other/stats/live', { headers })).status).toBe(403)
    expect((await at('/workspaces/other/activity/live', { headers })).status).toBe(403)
    const { next } = listen(`${url}/workspaces/mine/stats/live`)
    expect(await next('stats:update')).toMatchObject({ onlineUsersCount: 0 })
    expect(vi.getTimerCount()).toBeGreaterThan(0)
  })

  test('answers JSON from raw params and query', async () => {
    const { at } = await serve([StatsController])
    const response = await at('/channel/c1?cursor=x&limit=5', { headers: { authorization: 'Bearer good' } })
    expect(await response.json()).toEqual({ success: true, data: ['c1', 'x', 5] })
  })
})

describe('the events controller of the article', () => {
  test('ticks', async () => {
    const { url } = await serve([EventsController])
    const { opened, next } = listen(`${url}/clock`)
    await opened
    const tick = next('tick')
    await vi.advanceTimersByTimeAsync(1000)
    expect(await tick).toHaveProperty('time')
  })

  test('tells what a ref changes to, and watches no more once the client is gone', async () => {
    const { app, url } = await serve([EventsController])
    const { opened, next } = listen(`${url}/notifications`)
    await opened
    const update = next('update')
    notifications.value = [...notifications.value, 'hello']
    expect(await update).toEqual({ notifications: ['hello'] })
    vi.useRealTimers()
    await app.shutdown()
    notifications.value = []
  })
})
