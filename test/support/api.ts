import { randomBytes, randomUUID } from 'node:crypto'

/** An answer, its body parsed where there is one. */
export interface Answer {
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: tests look into bodies of every shape
  body: any
}

export interface CallOptions {
  headers?: Record<string, string>
  /** Sent as it is, without being made JSON. */
  raw?: string | Uint8Array<ArrayBuffer>
}

/** A plain HTTP client of the API, with or without a token. */
export class Api {
  constructor(
    readonly origin: string,
    readonly token?: string,
  ) {}

  get = (path: string, options?: CallOptions) => this.call('GET', path, undefined, options)
  post = (path: string, body?: unknown, options?: CallOptions) => this.call('POST', path, body, options)
  put = (path: string, body?: unknown, options?: CallOptions) => this.call('PUT', path, body, options)
  patch = (path: string, body?: unknown, options?: CallOptions) => this.call('PATCH', path, body, options)
  delete = (path: string, options?: CallOptions) => this.call('DELETE', path, undefined, options)

  async call(
    method: string,
    path: string,
    body?: unknown,
    { headers = {}, raw }: CallOptions = {},
  ): Promise<Answer> {
    const sent = raw ?? (body === undefined ? undefined : JSON.stringify(body))
    const response = await fetch(`${this.origin}${path.startsWith('/api') ? '' : '/api/v1'}${path}`, {
      method,
      headers: {
        ...(this.token && { authorization: `Bearer ${this.token}` }),
        ...(sent !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(sent !== undefined && { body: sent }),
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.includes('json')
    return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text }
  }

  /** The data of a success; throws with the whole answer otherwise. */
  async data(method: string, path: string, body?: unknown) {
    const answer = await this.call(method, path, body)
    if (answer.status >= 300)
      throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body?.data
  }
}

/** A new person, registered and signed in, with a client of his own. */
export async function register(origin: string, firstName = 'Test') {
  const email = `${firstName.toLowerCase()}.${randomBytes(6).toString('hex')}@example.com`
  const { user, accessToken, refreshToken } = await new Api(origin).data('POST', '/auth/register', {
    email,
    password: 'correct horse',
    firstName,
    lastName: 'Person',
  })
  return {
    id: String(user.id),
    email,
    user,
    accessToken: String(accessToken),
    refreshToken: String(refreshToken),
    api: new Api(origin, accessToken),
  }
}
export type TestUser = Awaited<ReturnType<typeof register>>

/** Several at once. */
export function registerAll<Names extends string[]>(origin: string, ...names: Names) {
  const users = Promise.all(names.map(name => register(origin, name)))
  return users as Promise<{ [Index in keyof Names]: TestUser }>
}

/** A workspace of an owner's, with others brought in by invitation. */
export async function workspaceOf(owner: TestUser, ...others: (TestUser | [TestUser, string])[]) {
  const workspace = await owner.api.data('POST', '/workspaces', { name: 'Team' })
  for (const other of others) {
    const [user, role] = Array.isArray(other) ? other : [other, 'member']
    const { token } = await owner.api.data('POST', `/workspaces/${workspace.id}/invite`, {
      email: user.email,
      role,
    })
    await user.api.data('POST', '/invitations/accept', { token })
  }
  return workspace as { id: string }
}

/** The id of a new channel. */
export async function channelIn({ api }: TestUser, workspaceId: string, type = 'public'): Promise<string> {
  const fields = { name: randomUUID(), type }
  return (await api.data('POST', `/workspaces/${workspaceId}/channels`, fields)).id
}

/** Somebody with a channel to talk in. */
export async function settle(origin: string) {
  const user = await register(origin, 'Ann')
  const { id: workspaceId } = await workspaceOf(user)
  return { user, workspaceId, channelId: await channelIn(user, workspaceId) }
}
