import { setTimeout as delay } from 'node:timers/promises'
import { exactly, type Figure, none, told } from '../../lab/figures.js'
import type { Site } from '../../lab/lab.js'

/** The time that a token is valid, long enough to let everybody in first. */
const TOKEN_S = { small: 30, full: 100 }

/** Sockets that renew their tokens when they are told to, over more than one token's life. */
export async function renewal(site: Site): Promise<Figure[]> {
  const sockets = site.small ? 100 : 1_000
  const seconds = site.small ? TOKEN_S.small : TOKEN_S.full
  const { workspaceId, channelIds } = await site.settle(1)
  const people = await site.people.make(sockets, workspaceId)
  const plans = people.map(person => {
    const { name, refreshToken } = person
    return { name, refreshToken, channelIds, token: site.people.token(person, seconds) }
  })
  await site.open(plans)
  await delay(seconds * 1000 * (site.small ? 1.2 : 1.8))
  const ends = await site.crew.all('compare', {})
  const sum = (key: 'renewals' | 'losses' | 'away') => ends.reduce((total, end) => total + end[key], 0)
  return [
    told('sockets that renew', sockets),
    told('renewals', sum('renewals')),
    exactly(
      'sockets that never renewed',
      ends.reduce((total, end) => total + end.unrenewed, 0),
      0,
    ),
    ...none({ 'disconnects amid renewals': sum('losses'), 'not there in the end': sum('away') }),
  ]
}
