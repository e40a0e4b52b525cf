/** A message as Vibed tells it, so that everybody sends the same bytes. */
export function messageOf(stored: {
  id: string
  channelId: string
  senderId: string
  content: string
  seq: number
  createdAt: string
}) {
  const { id, channelId, senderId, content, seq, createdAt } = stored
  return {
    messageId: id,
    channelId,
    senderId,
    senderName: 'u0123456789a ',
    content,
    mentions: [],
    tasks: [],
    parentId: null,
    reactions: [],
    replyCount: 0,
    lastReplyAt: null,
    isEdited: false,
    createdAt,
    updatedAt: createdAt,
    deletedAt: null,
    position: seq,
    seq,
  }
}
