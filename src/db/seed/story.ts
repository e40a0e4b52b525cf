import type { Role } from '../../access/roles.js'
import type { Task as StoredTask } from '../../modules/tasks/tasks.contract.js'

export type Name = 'ada' | 'ben' | 'chidi' | 'dana' | 'eve'

/** What is to be done, by its status at the end. `due` counts days from now. */
export interface Task {
  title: string
  status: string
  by?: Name
  for?: Name[]
  priority?: StoredTask['priority']
  labels?: string[]
  due?: number
  points?: number
  description?: string
  subtasks?: Task[]
}

/** Who said what; `@ada` mentions her. */
export interface Message {
  from: Name
  text: string
  replies?: Message[]
}

export interface Channel {
  name: string
  description: string
  type: 'public' | 'private'
  /** Who is in it besides the one who wrote first. */
  members: Name[]
  /** How many of the last messages somebody has not read yet; everybody else has read all. */
  unread?: Partial<Record<Name, number>>
  messages: Message[]
}

export interface Project {
  key: string
  name: string
  description: string
  guests?: Name[]
  tasks: Task[]
}

export interface Workspace {
  name: string
  owner: Name
  members: [Name, Role][]
  labels: Record<string, string>
  projects: Project[]
  channels: Channel[]
}

/** Whoever tries Vibed can be any of them. */
export const people: Record<Name, { firstName: string; lastName: string; email: string }> = {
  ada: { firstName: 'Ada', lastName: 'Okafor', email: 'ada@example.com' },
  ben: { firstName: 'Ben', lastName: 'Lindqvist', email: 'ben@example.com' },
  chidi: { firstName: 'Chidi', lastName: 'Mehta', email: 'chidi@example.com' },
  dana: { firstName: 'Dana', lastName: 'Reyes', email: 'dana@example.com' },
  eve: { firstName: 'Eve', lastName: 'Hartmann', email: 'eve@example.com' },
}

export const password = 'demo-password'

export function isName(text: string): text is Name {
  return Object.hasOwn(people, text)
}
