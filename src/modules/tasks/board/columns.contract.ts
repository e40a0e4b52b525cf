import { z } from 'zod'

/** What a column means: a task there is waiting, under way, done or given up. */
export const statusGroups = ['backlog', 'unstarted', 'started', 'completed', 'cancelled'] as const

/** A column of a board; `key` is what the `status` of its tasks says. */
export const projectStatus = z.object({
  key: z.string(),
  name: z.string(),
  group: z.enum(statusGroups),
  position: z.int(),
  /** The most tasks that the column takes; null without a limit. */
  wipLimit: z.int().nullable(),
})
export type ProjectStatus = z.infer<typeof projectStatus>
