import { createHash } from 'node:crypto'
import jwt from 'jsonwebtoken'
import { Api, register, type TestUser } from '../../test/support/api.js'
import type { Postgres } from './postgres.js'
import type { Random } from './random.js'

/** Somebody with a session, and a token for it. */
export interface Person {
  id: string
  name: string
  email: string
  sessionId: string
  token: string
  refreshToken: string
}

const HOUR_S = 3600

/** Makes users by the hundred: straight into the database, since a password's hash costs a tenth of a second. */
export class People {
  constructor(
    private readonly postgres: Postgres,
    private readonly database: string,
    private readonly secret: string,
    private readonly random: Random,
  ) {}

  /** New users with a session each, and members of a workspace where one is given. */
  async make(count: number, workspaceId?: string): Promise<Person[]> {
    const people = Array.from({ length: count }, () => this.draft())
    const rows = JSON.stringify(people.map(person => ({ ...person, hash: hash(person.refreshToken) })))
    await this.postgres.connected(this.database, async client => {
      await client.query(insertUsers, [rows])
      await client.query(insertSessions, [rows])
      await client.query(insertRefreshTokens, [rows])
      if (workspaceId !== undefined) await client.query(insertMembers, [rows, workspaceId])
    })
    return people
  }

  /** Sees to it that the person may set a new password, as if the mail had been fetched. */
  async passwordReset({ id }: Person): Promise<string> {
    const token = this.random.uuid()
    await this.postgres.connected(this.database, client => client.query(insertReset, [hash(token), id]))
    return token
  }

  /** Somebody who runs the server. */
  async operator(): Promise<Person> {
    const [person] = await this.make(1)
    if (!person) throw new Error('nobody was made')
    const promote = 'update users set is_operator = true where id = $1'
    await this.postgres.connected(this.database, client => client.query(promote, [person.id]))
    return person
  }

  /** A token of the person's session as the server would sign it, valid for some seconds. */
  token(person: Omit<Person, 'token' | 'refreshToken'>, seconds = HOUR_S): string {
    const { id: sub, email, name, sessionId: sid } = person
    return jwt.sign({ sub, email, name, sid }, this.secret, { algorithm: 'HS256', expiresIn: seconds })
  }

  private draft(): Person {
    const id = this.random.uuid()
    const name = `u${id.slice(0, 12).replace('-', '')}`
    const [sessionId, refreshToken] = [this.random.uuid(), this.random.uuid()]
    const person = { id, name, email: `${name}@example.com`, sessionId, refreshToken }
    return { ...person, token: this.token(person) }
  }
}

const insertUsers = `
  insert into users (id, email, username, first_name, last_name, password_hash)
  select id, email, name, name, '', '' from json_to_recordset($1) as p(id uuid, email text, name text)`

const insertSessions = `
  insert into sessions (id, user_id, expires_at)
  select "sessionId", id, now() + interval '1 day' from json_to_recordset($1) as p(id uuid, "sessionId" uuid)`

const insertRefreshTokens = `
  insert into refresh_tokens (token_hash, session_id, expires_at)
  select hash, "sessionId", now() + interval '1 day' from json_to_recordset($1) as p(hash text, "sessionId" uuid)`

const insertReset = `
  insert into password_resets (token_hash, user_id, expires_at) values ($1, $2, now() + interval '1 hour')`

const insertMembers = `
  insert into workspace_members (workspace_id, user_id, role)
  select $2, id, 'member' from json_to_recordset($1) as p(id uuid)`

/** What the database keeps of a refresh token and its like. */
function hash(token: string): string {
  return createHash('sha256').update(token).digest('base64url')
}

/** A workspace with public channels, and who owns it. */
export interface Place {
  owner: TestUser
  workspaceId: string
  channelIds: string[]
}

export async function settle(origin: string, channels: number): Promise<Place> {
  const owner = await register(origin, 'Owner')
  const { id: workspaceId } = await owner.api.data('POST', '/workspaces', { name: 'Lab' })
  const channelIds: string[] = []
  for (let n = 0; n < channels; n++)
    channelIds.push(await openChannel(owner.api, workspaceId, `channel-${n}`))
  return { owner, workspaceId, channelIds }
}

export async function openChannel(api: Api, workspaceId: string, name: string, type = 'public') {
  const { id } = await api.data('POST', `/workspaces/${workspaceId}/channels`, { name, type })
  return String(id)
}
