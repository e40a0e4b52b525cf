import type { Container } from '@forinda/kickjs-core'
import { ChannelsService } from '../../modules/channels/channels.service.js'
import { ReadsService } from '../../modules/channels/reads.service.js'
import { MessagesService } from '../../modules/messages/messages.service.js'
import type { Cast } from './cast.js'
import { type Channel, isName, type Message } from './story.js'

/** Opens a channel by the one who speaks first in it, and has everything said and read. */
export async function sowChannel(
  container: Container,
  cast: Cast,
  workspaceId: string,
  { name, description, type, members, unread = {}, messages }: Channel,
): Promise<void> {
  const [channels, reads] = [container.resolve(ChannelsService), container.resolve(ReadsService)]
  const creator = messages[0]?.from ?? 'ada'
  const { id } = await channels.create(cast[creator], workspaceId, { name, description, type })
  for (const member of members) await channels.addMember(cast[creator], id, cast[member].id)
  const positions = await sowMessages(container, cast, id, messages)
  for (const reader of [creator, ...members])
    await reads.read(cast[reader], id, positions.at(-1 - (unread[reader] ?? 0)) ?? 0)
}

/** @returns their places in the history */
async function sowMessages(
  container: Container,
  cast: Cast,
  channelId: string,
  messages: Message[],
  parentId?: string,
): Promise<number[]> {
  const positions: number[] = []
  for (const { from, text, replies = [] } of messages) {
    const content = text.replace(/(?<=@)\w+/g, name => (isName(name) ? cast[name].username : name))
    const sent = await container.resolve(MessagesService).send(cast[from], { channelId, content, parentId })
    positions.push(sent.position)
    positions.push(...(await sowMessages(container, cast, channelId, replies, sent.messageId)))
  }
  return positions
}
