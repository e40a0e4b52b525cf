import type { Bench, Database } from '../lab/bench.js'
import { fillArticlesMessages, fillArticlesTasks } from './articles.js'
import { fillMessages, markRead } from './messages.js'
import { type Site, site } from './site.js'
import { fillTasks } from './tasks.js'

export const PAGE = 50
export const LIST_PAGE = 25

/** Who is in every workspace that is filled. */
const MEMBERS = 20

/** How much there is, and where the deep page begins. */
export const sizes = (bench: Bench) =>
  bench.short
    ? { messages: 1_000, depth: 800, channels: 4, unread: 50, tasks: 1_000, stats: [500, 1_000, 2_000] }
    : {
        messages: 500_000,
        depth: 400_000,
        channels: 200,
        unread: 500,
        tasks: 200_000,
        stats: [10_000, 200_000, 1_000_000],
      }

/** A workspace, a project and a channel, and hardly anything in them. */
export function smallSite(bench: Bench): Promise<Site<{ projectId: string }>> {
  return site(bench, {
    name: 'small',
    channels: 1,
    people: MEMBERS,
    make: async ({ owner, workspaceId }) => ({ projectId: await newProject(owner.api, workspaceId, 0) }),
  })
}

/** Two hundred channels that somebody has read up to here and there; the first has half a million messages. */
export function messagesSite(bench: Bench): Promise<Site<void>> {
  const { messages, channels, unread } = sizes(bench)
  return site<void>(bench, {
    name: 'messages',
    channels,
    people: MEMBERS,
    fill: async (client, { channelIds, owner, workspaceId }, people) => {
      const senders = people.map(({ id }) => id)
      const [longId = '', ...otherIds] = channelIds
      await fillMessages(
        client,
        [
          { ids: [longId], count: messages },
          { ids: otherIds, count: unread },
        ],
        senders,
      )
      await markRead(client, channelIds, { workspaceId, userId: owner.id, unread })
    },
  })
}

/** The same messages in the articles' tables. */
export function articlesMessages(bench: Bench, from: Site<void>): Promise<Database> {
  const { messages, unread } = sizes(bench)
  const senders = from.people.map(({ id }) => id)
  return bench.database('articles_messages', client =>
    fillArticlesMessages(client, { channelIds: from.channelIds, long: messages, others: unread }, senders),
  )
}

/** Their tables, and nothing in them. */
export function articlesEmpty(bench: Bench): Promise<Database> {
  return bench.database('articles_empty', client =>
    fillArticlesMessages(client, { channelIds: [], long: 0, others: 0 }, []),
  )
}

/** A project with two hundred thousand tasks. */
export function tasksSite(bench: Bench): Promise<Site<{ projectId: string }>> {
  return site(bench, {
    name: 'tasks',
    channels: 0,
    people: MEMBERS,
    make: async ({ owner, workspaceId }) => ({ projectId: await newProject(owner.api, workspaceId, 0) }),
    fill: async (client, { workspaceId }, people, { projectId }) => {
      const memberIds = people.map(({ id }) => id)
      await fillTasks(client, { workspaceId, projectId, memberIds }, sizes(bench).tasks)
    },
  })
}

/** The articles' only workspace, and its project. */
export const articlesPlace = {
  workspaceId: '00000000-0000-4000-8000-000000000001',
  projectId: '00000000-0000-4000-8000-000000000002',
}

/** As many tasks in the articles' tables. */
export function articlesTasks(bench: Bench): Promise<Database> {
  return bench.database('articles_tasks', client =>
    fillArticlesTasks(client, articlesPlace, sizes(bench).tasks),
  )
}

/** A workspace and its only project. */
export interface Company {
  workspaceId: string
  projectId: string
  tasks: number
}

/** Workspaces with ten thousand tasks, two hundred thousand, and a million. */
export function statsSite(bench: Bench): Promise<Site<Company[]>> {
  return site<Company[]>(bench, {
    name: 'stats',
    channels: 0,
    people: 1,
    make: async ({ owner }) => {
      const companies: Company[] = []
      for (const tasks of sizes(bench).stats) {
        const { id: workspaceId } = await owner.api.data('POST', '/workspaces', { name: `With ${tasks}` })
        companies.push({ workspaceId, projectId: await newProject(owner.api, workspaceId, 0), tasks })
      }
      return companies
    },
    fill: async (client, { owner }, _, companies) => {
      for (const { tasks, ...place } of companies)
        await fillTasks(client, { ...place, memberIds: [owner.id] }, tasks)
    },
  })
}

/** Projects with a task each, and listeners. */
export function streamsSite(
  bench: Bench,
): Promise<Site<{ projects: { projectId: string; taskId: string }[] }>> {
  const [projects, people] = bench.short ? [20, 50] : [500, 2_000]
  return site(bench, {
    name: 'streams',
    channels: 1,
    people,
    make: async ({ owner, workspaceId }) => {
      const made: { projectId: string; taskId: string }[] = []
      for (let n = 0; n < projects; n++) {
        const projectId = await newProject(owner.api, workspaceId, n)
        const { id } = await owner.api.data('POST', `/projects/${projectId}/tasks`, {
          title: 'Back and forth',
        })
        made.push({ projectId, taskId: id })
      }
      return { projects: made }
    },
  })
}

async function newProject(
  api: Site<unknown>['owner']['api'],
  workspaceId: string,
  n: number,
): Promise<string> {
  const { id } = await api.data('POST', `/workspaces/${workspaceId}/projects`, {
    name: `No. ${n}`,
    key: `P${n}`,
  })
  return String(id)
}
