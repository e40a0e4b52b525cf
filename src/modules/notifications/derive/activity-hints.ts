import { z } from 'zod'
import { mentionedNames } from '../../messages/mentions.js'
import type { NotificationType } from '../notifications.contract.js'

/** An activity as far as it says whom it concerns. */
export interface Clue {
  seq: number
  type: string
  before: unknown
  after: unknown
}

/** Somebody whom an activity may concern: by his id, by his name, or by his part in the task where it names nobody. */
export interface Hint {
  seq: number
  type: NotificationType
  userId?: string
  username?: string
}

const ids = z.array(z.string()).catch([])
const fields = z.object({ assigneeIds: ids, mentions: ids, description: z.string().catch('') }).catch({
  assigneeIds: [],
  mentions: [],
  description: '',
})
type Fields = z.output<typeof fields>

/** Whom an activity concerns that was not concerned before, and those who watch its task. */
export function hintsOf({ seq, type, before, after }: Clue): Hint[] {
  const [was, is] = [fields.parse(before ?? {}), fields.parse(after ?? {})]
  switch (type) {
    case 'task.created':
    case 'task.updated':
    case 'task.moved':
      return [
        ...fresh(was.assigneeIds, is.assigneeIds).map(userId => hint(seq, 'task.assigned', { userId })),
        ...fresh(namesIn(was), namesIn(is)).map(username => hint(seq, 'task.mentioned', { username })),
      ]
    case 'comment.created':
      return [hint(seq, 'task.commented'), ...mentioned(seq, was, is)]
    case 'comment.edited':
      return mentioned(seq, was, is)
    case 'member.invited':
      return [hint(seq, 'workspace.invited')]
    default:
      return []
  }
}

function mentioned(seq: number, was: Fields, is: Fields): Hint[] {
  return fresh(was.mentions, is.mentions).map(userId => hint(seq, 'comment.mentioned', { userId }))
}

function hint(seq: number, type: NotificationType, who: { userId?: string; username?: string } = {}): Hint {
  return { seq, type, ...who }
}

function fresh(before: readonly string[], after: readonly string[]): string[] {
  return after.filter(one => !before.includes(one))
}

function namesIn({ description }: Fields): string[] {
  return mentionedNames(description)
}
