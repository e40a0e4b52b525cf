import type { Container } from '@forinda/kickjs-core'
import { AuthService } from '../../modules/auth/auth.service.js'
import { SessionsService } from '../../modules/auth/sessions/sessions.service.js'
import { type Name, password, people } from './story.js'

export interface Person {
  id: string
  email: string
  username: string
}

/** The people of the story as they are registered here. */
export type Cast = Record<Name, Person>

/** Registers everybody, and leaves nobody signed in. */
export async function registerCast(container: Container): Promise<Cast> {
  const register = async (name: Name): Promise<Person> => {
    const device = { ip: '', userAgent: '' }
    const signedIn = await container.resolve(AuthService).register({ ...people[name], password }, device)
    await container.resolve(SessionsService).signOut(signedIn.refreshToken)
    return signedIn.user
  }
  return {
    ada: await register('ada'),
    ben: await register('ben'),
    chidi: await register('chidi'),
    dana: await register('dana'),
    eve: await register('eve'),
  }
}
