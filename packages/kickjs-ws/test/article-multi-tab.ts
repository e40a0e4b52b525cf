import { OnConnect, OnDisconnect, type WsContext, WsController } from '@forinda/kickjs-ws'

const onlineUsers = new Map<string, { userId: string }>()

/** The articles' second `handleDisconnect`, with a door that takes any name. */
@WsController('/chat')
export class MultiTabChatController {
  @OnConnect()
  handleConnect(ctx: WsContext) {
    onlineUsers.set(ctx.id, { userId: ctx.data?.token })
    ctx.send('welcome')
  }

  @OnDisconnect()
  handleDisconnect(ctx: WsContext) {
    const info = onlineUsers.get(ctx.id)
    if (info) {
      onlineUsers.delete(ctx.id)
      const stillOnline = Array.from(onlineUsers.values()).some(u => u.userId === info.userId)
      if (!stillOnline) {
        ctx.broadcastAll('presence:offline', { userId: info.userId })
      }
    }
  }
}
