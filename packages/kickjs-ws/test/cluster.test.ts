import { randomUUID } from 'node:crypto'
import { OnMessage, type WsContext, WsController } from '@forinda/kickjs-ws'
import type { Namespace } from 'socket.io'
import { ClusterAdapter, type ClusterMessage, type ClusterResponse } from 'socket.io-adapter'
import { expect, test } from 'vitest'
import { heard, serve } from './harness.js'

/** A cluster of the nodes of this process. */
const members: MemoryAdapter[] = []

class MemoryAdapter extends ClusterAdapter {
  constructor(namespace: Namespace) {
    super(namespace)
    members.push(this)
  }

  override async serverCount(): Promise<number> {
    return this.siblings().length + 1
  }

  override async doPublish(message: ClusterMessage): Promise<string> {
    for (const member of this.siblings()) member.onMessage(message)
    return randomUUID()
  }

  override async doPublishResponse(requester: string, response: ClusterResponse): Promise<void> {
    for (const member of this.siblings()) if (member.uid === requester) member.onResponse(response)
  }

  override close(): void {
    members.splice(members.indexOf(this), 1)
  }

  private siblings(): MemoryAdapter[] {
    return members.filter(member => member !== this && member.nsp.name === this.nsp.name)
  }
}

@WsController('/cluster')
class ClusterController {
  @OnMessage('join')
  async join(ctx: WsContext<string>) {
    ctx.set('user', { id: ctx.id })
    await ctx.join(ctx.data)
  }
  @OnMessage('say')
  say(ctx: WsContext<string>) {
    ctx.to(ctx.data).send('said', ctx.id)
    ctx.broadcastAll('everyone')
  }
}

test('with a cluster adapter, rooms and broadcasts reach the sockets of every node', async () => {
  // As the `createAdapter` of the published adapters does it: Socket.IO calls it with `new`.
  function createAdapter(namespace: Namespace) {
    return new MemoryAdapter(namespace)
  }
  const options = { controllers: [ClusterController], adapter: createAdapter }
  const [one, two] = [await serve(options), await serve({ ...options, adapter: MemoryAdapter })]
  const [a, b] = [await one.connect('/cluster'), await two.connect('/cluster')]
  for (const client of [a, b]) await client.emitWithAck('join', 'room')
  const [toA, toB] = [heard(a), heard(b)]
  await a.emitWithAck('say', 'room')
  await b.emitWithAck('join', 'other')
  expect(toA).toEqual([['everyone', null]])
  expect(toB).toEqual([
    ['said', a.id],
    ['everyone', null],
  ])
  const sockets = await two.adapter.io.of('/cluster').in('room').fetchSockets()
  expect(sockets.map(socket => socket.data.user.id).toSorted()).toEqual([a.id, b.id].toSorted())

  await one.adapter.shutdown()
  await two.adapter.shutdown()
  expect(members).toEqual([])
})
