import { z } from 'zod'
import { instant, person, seq, uuid } from '../../fields.contract.js'

export const priorities = ['none', 'low', 'medium', 'high', 'critical'] as const

export const task = z.object({
  id: uuid,
  key: z.string(),
  projectId: uuid,
  workspaceId: uuid,
  title: z.string(),
  description: z.string(),
  status: z.string(),
  priority: z.enum(priorities),
  assignees: z.array(person),
  labels: z.array(z.object({ id: uuid, name: z.string(), color: z.string() })),
  reporterId: uuid,
  parentTaskId: uuid.nullable(),
  dueDate: instant.nullable(),
  estimatePoints: z.int().nullable(),
  rank: z.string(),
  commentCount: z.int(),
  attachmentCount: z.int(),
  version: z.int(),
  seq,
  createdAt: instant,
  updatedAt: instant,
  startedAt: instant.nullable(),
  completedAt: instant.nullable(),
})
export type Task = z.infer<typeof task>
