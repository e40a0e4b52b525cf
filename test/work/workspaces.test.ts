import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { register, registerAll, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { heard, problemOf, race, rows, tally } from './support.js'

let app: TestApp
let ann: TestUser
let bob: TestUser
let cleo: TestUser

beforeAll(async () => {
  app = await startApp()
  ;[ann, bob, cleo] = await registerAll(app.origin, 'Ann', 'Bob', 'Cleo')
})
afterAll(() => app.stop())

describe('a workspace', () => {
  it('belongs to whoever creates it, under a slug made from its name', async () => {
    const made = await ann.api.post('/workspaces', { name: 'Ünïcode & Söns' })
    expect(made.status).toBe(201)
    expect(made.headers.get('location')).toBe(`/api/v1/workspaces/${made.body.data.id}`)
    expect(made.body.data).toMatchObject({ name: 'Ünïcode & Söns', slug: 'unicode-sons', role: 'owner' })
    expect((await ann.api.get(`/workspaces/${made.body.data.id}`)).body.data).toEqual(made.body.data)
  })

  it('gets another slug where the name is taken, also in a race, but is refused one that was asked for', async () => {
    const answers = await race(20, () => ann.api.post('/workspaces', { name: 'Racing Club' }))
    expect(tally(answers)).toEqual({ 201: 20 })
    const slugs = answers.map(({ body }) => body.data.slug)
    expect(new Set(slugs).size).toBe(20)
    expect(slugs).toContain('racing-club')
    const asked = await race(10, () => bob.api.post('/workspaces', { name: 'X', slug: 'my-own' }))
    expect(tally(asked)).toEqual({ 201: 1, '409 SLUG_TAKEN': 9 })
  })

  it('has a slug even when its name has no Latin letter', async () => {
    const { slug } = await ann.api.data('POST', '/workspaces', { name: '日本' })
    expect(slug).toMatch(/^workspace(-[a-z0-9]+)?$/)
    const short = await ann.api.data('POST', '/workspaces', { name: 'X' })
    expect(short.slug).toMatch(/^x-[a-z0-9]{5}$/)
  })

  it('is refused with a wrong name, slug or an unknown field', async () => {
    const post = async (body: object) => problemOf(await ann.api.post('/workspaces', body))
    expect(await post({})).toBe('422 VALIDATION_ERROR body.name')
    expect(await post({ name: '  ' })).toBe('422 VALIDATION_ERROR body.name')
    expect(await post({ name: 'a\0b' })).toBe('422 VALIDATION_ERROR body.name')
    expect(await post({ name: 'A', slug: 'Not A Slug' })).toBe('422 VALIDATION_ERROR body.slug')
    expect(await post({ name: 'A', plan: 'gold' })).toBe('422 VALIDATION_ERROR body.plan')
  })

  it('is listed, with others, for its members only, in the order of their making', async () => {
    const dan = await register(app.origin, 'Dan')
    const names = ['One', 'Two', 'Three', 'Four', 'Five']
    for (const name of names) await dan.api.data('POST', '/workspaces', { name })
    const first = await dan.api.get('/workspaces?limit=2')
    expect(first.body.data.map((workspace: { name: string }) => workspace.name)).toEqual(['One', 'Two'])
    const second = await dan.api.get(`/workspaces?limit=100&cursor=${first.body.meta.nextCursor}`)
    expect(second.body.data.map((workspace: { name: string }) => workspace.name)).toEqual(names.slice(2))
    expect(second.body.meta).toEqual({ nextCursor: null, limit: 100 })
  })

  it('is told which fields are missing', async () => {
    const { id } = await workspaceOf(ann)
    const missing = async (path: string) => (await ann.api.post(path, {})).body.errors
    const required = (...paths: string[]) => paths.map(path => ({ path, message: 'is required' }))
    expect(await missing('/workspaces')).toEqual(required('body.name'))
    expect(await missing(`/workspaces/${id}/invite`)).toEqual(required('body.email', 'body.role'))
    const channel = await ann.api.data('POST', `/workspaces/${id}/channels`, { name: 'x', type: 'public' })
    expect(await missing(`/channels/${channel.id}/members`)).toEqual(required('body.userId'))
  })

  it('does not exist for an outsider', async () => {
    const { id } = await workspaceOf(ann)
    const tries = [
      bob.api.get(`/workspaces/${id}`),
      bob.api.patch(`/workspaces/${id}`, { name: 'Mine' }),
      bob.api.delete(`/workspaces/${id}`),
      bob.api.get(`/workspaces/${id}/members`),
      bob.api.post(`/workspaces/${id}/invite`, { email: 'x@example.com', role: 'member' }),
      bob.api.get(`/workspaces/${id}/invitations`),
      bob.api.post(`/workspaces/${id}/leave`),
      bob.api.patch(`/workspaces/${id}/members/${ann.id}`, { role: 'guest' }),
      bob.api.delete(`/workspaces/${id}/members/${ann.id}`),
    ]
    for (const answer of await Promise.all(tries)) expect(problemOf(answer)).toBe('404 WORKSPACE_NOT_FOUND')
  })

  it('is changed by its admins, and tells it once', async () => {
    const { id } = await workspaceOf(ann, [bob, 'admin'], cleo)
    const updated = heard(app, 'workspace.updated')
    expect(problemOf(await cleo.api.patch(`/workspaces/${id}`, { name: 'No' }))).toBe('403 FORBIDDEN')
    const changed = await bob.api.patch(`/workspaces/${id}`, { name: 'Renamed' })
    expect(changed.body.data).toMatchObject({ name: 'Renamed', role: 'admin' })
    await bob.api.patch(`/workspaces/${id}`, { name: 'Renamed' })
    expect(updated).toEqual([{ workspaceId: id }])
    const recorded = await rows(
      app,
      `select actor_id, before, after from activities where workspace_id = $1 and type = 'workspace.updated'`,
      [id],
    )
    expect(recorded).toEqual([{ actor_id: bob.id, before: { name: 'Team' }, after: { name: 'Renamed' } }])
    expect(problemOf(await bob.api.patch(`/workspaces/${id}`, {}))).toBe('422 VALIDATION_ERROR body')
  })

  it('cannot take the slug of another', async () => {
    await ann.api.data('POST', '/workspaces', { name: 'A', slug: 'settled-here' })
    const { id } = await workspaceOf(ann)
    expect(problemOf(await ann.api.patch(`/workspaces/${id}`, { slug: 'settled-here' }))).toBe(
      '409 SLUG_TAKEN',
    )
  })

  it('is deleted by an owner, and then is gone for all, and its slug free', async () => {
    const { id, slug } = await ann.api.data('POST', '/workspaces', { name: 'Short-lived' })
    const { token } = await ann.api.data('POST', `/workspaces/${id}/invite`, {
      email: bob.email,
      role: 'admin',
    })
    await bob.api.data('POST', '/invitations/accept', { token })
    expect(problemOf(await bob.api.delete(`/workspaces/${id}`))).toBe('403 FORBIDDEN')
    const deleted = heard(app, 'workspace.deleted')
    expect((await ann.api.delete(`/workspaces/${id}`)).status).toBe(204)
    expect(deleted).toEqual([{ workspaceId: id }])
    expect((await ann.api.get(`/workspaces/${id}`)).status).toBe(404)
    expect((await ann.api.delete(`/workspaces/${id}`)).status).toBe(404)
    expect((await bob.api.get('/workspaces?limit=100')).body.data).not.toContainEqual(
      expect.objectContaining({ id }),
    )
    expect((await ann.api.post('/workspaces', { name: 'Short-lived' })).body.data.slug).toBe(slug)
  })
})
