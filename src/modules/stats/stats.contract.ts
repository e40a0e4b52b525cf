import { z } from 'zod'
import { instant, noQuery, streamQuery, uuid } from '../../fields.contract.js'

const count = z.int().min(0)

/** The numbers of a whole workspace, those of projects and private channels that a reader cannot see included. */
export const workspaceStats = z.object({
  memberCount: count,
  projectCount: count,
  /** Cancelled ones included, so more than open and completed together. */
  taskCount: count,
  openTasks: count,
  completedTasks: count,
  channelCount: count,
  /** Distinct users of the workspace who are online, whatever the number of their tabs. */
  onlineUsersCount: count,
  timestamp: instant,
})
export type WorkspaceStats = z.infer<typeof workspaceStats>

export const projectStats = z.object({
  /** By the key of each status of the board, in its order; also where there are none. */
  tasksByStatus: z.record(z.string(), count),
  totalTasks: count,
  /** Completed ones of those that were not cancelled, in percent; 0 where there are none. */
  completionRate: z.int().min(0).max(100),
  /** Open and past their due date. */
  overdueTasks: count,
  commentCount: count,
  attachmentCount: count,
  timestamp: instant,
})
export type ProjectStats = z.infer<typeof projectStats>

const ofWorkspace = z.object({ workspaceId: uuid })
const ofProject = z.object({ projectId: uuid })

export const getWorkspaceStats = {
  name: 'getWorkspaceStats',
  params: ofWorkspace,
  query: noQuery,
  response: workspaceStats,
}
export const getProjectStats = {
  name: 'getProjectStats',
  params: ofProject,
  query: noQuery,
  response: projectStats,
}
/** Events: the statistics at once, then whenever they change and every ten seconds. */
export const watchWorkspaceStats = {
  name: 'watchWorkspaceStats',
  params: ofWorkspace,
  query: streamQuery,
  response: workspaceStats,
}
export const watchProjectStats = {
  name: 'watchProjectStats',
  params: ofProject,
  query: streamQuery,
  response: projectStats,
}
