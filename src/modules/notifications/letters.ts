import type { Notification } from './notifications.contract.js'

export interface Letter {
  subject: string
  text: string
}

/** The mail that goes with a notification; none with an invitation, which is a mail by itself. */
export function letterOf(notification: Notification): Letter | undefined {
  if (notification.type === 'workspace.invited') return undefined
  const subject = sentenceOf(notification)
  return { subject, text: `${subject}.\n\n${FOOTER}` }
}

/** The mail that tells of what somebody has not read of a day. */
export function digestOf(unread: readonly Notification[], date: string, isMore: boolean): Letter {
  const lines = unread.map(notification => `- ${sentenceOf(notification)}`)
  if (isMore) lines.push('- and more')
  return { subject: `Your unread notifications of ${date}`, text: `${lines.join('\n')}\n\n${FOOTER}` }
}

const FOOTER =
  'You get this because of your settings in Vibed: PATCH /api/v1/notifications/settings changes them.'

/** In words: names and titles, but nothing of what was written. */
function sentenceOf({ type, actor, data }: Notification): string {
  const who = actor ? `${actor.firstName} ${actor.lastName}` : 'Somebody'
  const task = `${data.key}: ${data.title}`
  const channel = `#${data.channelName}`
  switch (type) {
    case 'task.assigned':
      return `${who} assigned you to ${task}`
    case 'task.mentioned':
      return `${who} mentioned you in ${task}`
    case 'comment.mentioned':
      return `${who} mentioned you in a comment on ${task}`
    case 'task.commented':
      return `${who} commented on ${task}`
    case 'task.due_soon':
      return `Due soon: ${task}`
    case 'task.overdue':
      return `Overdue: ${task}`
    case 'message.mentioned':
      return `${who} mentioned you in ${channel}`
    case 'message.replied':
      return `${who} replied to a thread of yours in ${channel}`
    case 'message.sent':
      return `${who} wrote in ${channel}`
    case 'workspace.invited':
      return `${who} invited you to ${data.workspaceName}`
  }
}
