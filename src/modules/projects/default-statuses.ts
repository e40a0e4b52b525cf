import type { ProjectStatus } from '../tasks/board/columns.contract.js'

type Column = Pick<ProjectStatus, 'key' | 'name' | 'group'>

/** The board of a new project, from left to right. */
export const defaultStatuses: readonly Column[] = [
  { key: 'backlog', name: 'Backlog', group: 'backlog' },
  { key: 'todo', name: 'To do', group: 'unstarted' },
  { key: 'in_progress', name: 'In progress', group: 'started' },
  { key: 'in_review', name: 'In review', group: 'started' },
  { key: 'done', name: 'Done', group: 'completed' },
  { key: 'cancelled', name: 'Cancelled', group: 'cancelled' },
]
