import { v7 } from 'uuid'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Api, register, type TestUser } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'

let app: TestApp
let ann: TestUser
beforeAll(async () => {
  app = await startApp()
})
beforeEach(async () => {
  ann = await register(app.origin)
})
afterAll(() => app?.stop())

describe('one’s own profile', () => {
  test('changes field by field and stays as written', async () => {
    const changes = [
      { firstName: 'Zoë' },
      { lastName: 'O’Neil' },
      { username: 'zoe.oneil' },
      { avatarUrl: 'https://example.com/zoe.png' },
      { timeZone: 'Europe/Berlin' },
    ]
    for (const change of changes)
      expect(await ann.api.data('PATCH', '/users/me', change)).toMatchObject(change)
    const all = Object.assign({}, ann.user, ...changes)
    expect(await ann.api.data('GET', '/users/me')).toEqual(all)
    expect(await ann.api.data('PATCH', '/users/me', { avatarUrl: null })).toEqual({ ...all, avatarUrl: null })
    expect(await ann.api.data('PATCH', '/users/me', {})).toEqual({ ...all, avatarUrl: null })
  })

  test('takes no value that it should not hold', async () => {
    const wrong: object[] = [
      { email: 'other@example.com' },
      { firstName: '' },
      { lastName: 'two\nlines' },
      { username: 'ab' },
      { username: 'x'.repeat(33) },
      { username: 'not allowed' },
      { username: 'ends.' },
      { avatarUrl: 'http://example.com/x.png' },
      { avatarUrl: 'javascript:alert(1)' },
      { avatarUrl: 'https://example.com/\0' },
      { timeZone: 'Mars/Olympus' },
      { timeZone: '+02:00' },
      { passwordHash: 'x' },
    ]
    for (const body of wrong) {
      const answer = await ann.api.patch('/users/me', body)
      const path = `body.${Object.keys(body)[0]}`
      expect(answer).toMatchObject({ status: 422, body: { code: 'VALIDATION_ERROR', errors: [{ path }] } })
    }
    expect(await ann.api.data('GET', '/users/me')).toEqual(ann.user)
  })

  test('is given a username in lower case that nobody else has', async () => {
    const bob = await register(app.origin)
    expect(await bob.api.data('PATCH', '/users/me', { username: ' Bob_1 ' })).toMatchObject({
      username: 'bob_1',
    })
    expect(await ann.api.patch('/users/me', { username: 'BOB_1' })).toMatchObject({
      status: 409,
      body: { code: 'USERNAME_TAKEN' },
    })
  })

  test('gets a username that 50 others wanted at the same time for one of them', async () => {
    const racers = await Promise.all(Array.from({ length: 50 }, () => register(app.origin)))
    const answers = await Promise.all(racers.map(({ api }) => api.patch('/users/me', { username: 'wanted' })))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(answers.filter(({ body }) => body.code === 'USERNAME_TAKEN')).toHaveLength(49)
  })
})

describe('somebody else', () => {
  async function shareWorkspace(...users: TestUser[]) {
    const id = v7()
    await app.database.pool.query('insert into workspaces (id, name, slug) values ($1, $2, $3)', [
      id,
      'Team',
      id,
    ])
    for (const user of users) {
      await app.database.pool.query(
        "insert into workspace_members (workspace_id, user_id, role) values ($1, $2, 'guest')",
        [id, user.id],
      )
    }
    return id
  }

  test('is seen by those who share a workspace, without his address', async () => {
    const bob = await register(app.origin, 'Bob')
    await shareWorkspace(ann, bob)
    const { id, username, firstName, lastName, avatarUrl } = bob.user
    expect(await ann.api.data('GET', `/users/${bob.id}`)).toEqual({
      id,
      username,
      firstName,
      lastName,
      avatarUrl,
    })
    expect((await ann.api.get(`/users/${ann.id.toUpperCase()}`)).body.data.id).toBe(ann.id)
  })

  test('does not exist for strangers, nor when the shared workspace is gone', async () => {
    const bob = await register(app.origin)
    await shareWorkspace(ann)
    await shareWorkspace(bob)
    const notFound = { status: 404, body: { code: 'USER_NOT_FOUND' } }
    expect(await ann.api.get(`/users/${bob.id}`)).toMatchObject(notFound)
    expect(await ann.api.get(`/users/${v7()}`)).toMatchObject(notFound)
    const shared = await shareWorkspace(ann, bob)
    await app.database.pool.query('update workspaces set deleted_at = now() where id = $1', [shared])
    expect(await ann.api.get(`/users/${bob.id}`)).toMatchObject(notFound)
  })

  test('is asked for by a UUID and by somebody who is signed in', async () => {
    expect((await ann.api.get('/users/nonsense')).status).toBe(422)
    expect((await new Api(app.origin).get('/users/nonsense')).status).toBe(401)
  })
})
