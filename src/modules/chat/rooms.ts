/** The Socket.IO rooms of the chat namespace; the prefix keeps ids of different things apart. */
export const room = {
  channel: (id: string) => `channel:${id}`,
  user: (id: string) => `user:${id}`,
  session: (id: string) => `session:${id}`,
  workspace: (id: string) => `workspace:${id}`,
}

/** The channel that a room belongs to; undefined for the other kinds of rooms. */
export function channelOfRoom(name: string): string | undefined {
  return name.startsWith('channel:') ? name.slice('channel:'.length) : undefined
}
