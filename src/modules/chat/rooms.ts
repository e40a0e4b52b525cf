/** The Socket.IO rooms of the chat namespace; the prefix keeps ids of different things apart. */
export const room = {
  channel: (id: string) => `channel:${id}`,
  project: (id: string) => `project:${id}`,
  user: (id: string) => `user:${id}`,
  session: (id: string) => `session:${id}`,
  workspace: (id: string) => `workspace:${id}`,
  /** Those who do not keep up with reading: what can be left out is not sent to them. */
  lagging: 'lagging',
}

const places = ['channel', 'project'] as const

/** What sockets join by themselves. */
export interface Place {
  kind: (typeof places)[number]
  id: string
}

/** The place that a room belongs to; undefined for rooms of other kinds. */
export function placeOf(roomName: string): Place | undefined {
  const kind = places.find(place => roomName.startsWith(room[place]('')))
  return kind && { kind, id: roomName.slice(room[kind]('').length) }
}
