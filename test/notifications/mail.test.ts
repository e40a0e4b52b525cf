import { readdirSync } from 'node:fs'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { CONFIG, type Config, loadConfig } from '../../src/config.js'
import { Database } from '../../src/db/database.js'
import { MailsRepository } from '../../src/mail/mails.repository.js'
import { Mailer } from '../../src/mailer.js'
import { type Nodes, startNodes } from '../cluster/nodes.js'
import { Api, register, type TestUser, workspaceOf } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'
import { MailServer } from '../support/mail-server.js'
import { newProject, newTask, race, rows } from '../work/support.js'
import { catchUp } from './support.js'

let mail: MailServer
let app: TestApp
let ann: TestUser
let ben: TestUser
let workspaceId: string
let project: { id: string; key: string }

const smtp = () => ({ smtp: { url: mail.url, from: 'Vibed <vibed@example.org>' } })

beforeAll(async () => {
  mail = await MailServer.start()
  app = await startApp({ config: smtp() })
  ann = await register(app.origin, 'Ann')
})
afterAll(async () => {
  await app.stop()
  await mail.stop()
})
beforeEach(async () => {
  mail.answer = () => 'take'
  ben = await register(app.origin, 'Ben')
  workspaceId = (await workspaceOf(ann, ben)).id
  project = await newProject(ann, workspaceId)
  await vi.waitFor(() => expect(mail.to(ben.email)).toHaveLength(1))
  mail.received.splice(0)
})

const got = (count: number, { email } = ben) =>
  vi.waitFor(() => expect(mail.to(email)).toHaveLength(count), 5_000)
/** Mails of ben's that are still in line. */
const inLine = () =>
  rows(app, 'select * from mails where recipient = $1 and sent_at is null order by id', [ben.email])

describe('a notification', () => {
  test('is mailed, in words', async () => {
    const task = await newTask(ann.api, project.id, { title: 'Café für Ärzte', assigneeIds: [ben.id] })
    await catchUp(app)
    await got(1)
    const [letter] = mail.to(ben.email)
    const [{ id }] = await rows(app, 'select id from mails where recipient = $1 order by id desc', [
      ben.email,
    ])
    expect(letter?.messageId).toBe(`<${id}@example.org>`)
    expect(letter?.subject).toContain('UTF-8')
    expect(letter?.text).toContain(`Ann Person assigned you to ${task.key}: Caf=C3=A9`)
    expect(await inLine()).toEqual([])
  })

  test('is not mailed to who wants no mails', async () => {
    await ben.api.data('PATCH', '/notifications/settings', { email: false })
    await newTask(ann.api, project.id, { assigneeIds: [ben.id] })
    await catchUp(app)
    expect((await ben.api.data('GET', '/notifications/unread-count')).count).toBe(1)
    expect(await inLine()).toEqual([])
  })

  test('is in line if and only if it is stored', async () => {
    const fail = vi
      .spyOn(app.container.resolve(MailsRepository), 'add')
      .mockRejectedValueOnce(new Error('no'))
    await newTask(ann.api, project.id, { assigneeIds: [ben.id] })
    await catchUp(app)
    expect(fail).toHaveBeenCalledOnce()
    expect(await rows(app, 'select * from notifications where user_id = $1', [ben.id])).toEqual([])
    fail.mockRestore()
    await catchUp(app)
    await got(1)
    expect(await rows(app, 'select * from notifications where user_id = $1', [ben.id])).toHaveLength(1)
  })
})

describe('a mail', () => {
  const send = (text = 'hello') =>
    app.container.resolve(Mailer).send({ to: ben.email, subject: 'Hello', text, userId: ben.id })
  const makeDue = () => rows(app, 'update mails set due_at = now() where sent_at is null')

  test('that is not taken is tried again later, and later still', async () => {
    mail.answer = () => 'later'
    await send()
    for (const [attempts, pause] of [
      [1, 2],
      [2, 4],
      [3, 8],
    ] as const) {
      await vi.waitFor(async () => expect(await inLine()).toMatchObject([{ attempts }]), 8_000)
      const [{ minutes }] = await rows(
        app,
        `select round(extract(epoch from due_at - now()) / 60) as minutes from mails
         where sent_at is null and recipient = $1`,
        [ben.email],
      )
      expect(Number(minutes)).toBe(pause)
      if (attempts === 3) mail.answer = () => 'take'
      await makeDue()
      // Any other mail has it looked at at once.
      await app.container.resolve(Mailer).send({ to: 'else@example.com', subject: 'Else', text: 'else' })
    }
    await got(1)
    // It is marked once the server has taken it.
    await vi.waitFor(async () => expect(await inLine()).toEqual([]), 5_000)
  }, 60_000)

  test('that is refused for good is given up at once', async () => {
    mail.answer = () => 'never'
    await send()
    await vi.waitFor(async () => expect(await inLine()).toMatchObject([{ attempts: 10, body: '' }]), 5_000)
    mail.answer = () => 'take'
    await makeDue()
    await app.container.resolve(Mailer).send({ to: 'else@example.com', subject: 'Else', text: 'else' })
    await vi.waitFor(() => expect(mail.to('else@example.com')).toHaveLength(1), 5_000)
    expect(mail.to(ben.email)).toEqual([])
    await rows(app, 'delete from mails where recipient = $1', [ben.email])
  })

  test('is encrypted while it is in line, and its text is gone afterwards', async () => {
    mail.answer = () => 'later'
    await send('a secret token')
    await vi.waitFor(async () => expect(await inLine()).toMatchObject([{ attempts: 1 }]), 5_000)
    const [{ body }] = await inLine()
    expect(Buffer.from(body, 'base64url').toString('latin1')).not.toContain('secret')
    mail.answer = () => 'take'
    await makeDue()
    await send('another')
    await got(2)
    expect(mail.to(ben.email).map(({ text }) => text.trim())).toEqual(
      expect.arrayContaining(['a secret token', 'another']),
    )
    const bodies = await rows(app, 'select distinct body from mails where recipient = $1', [ben.email])
    expect(bodies).toEqual([{ body: '' }])
  })

  test('is removed a week after it was sent, or given up', async () => {
    await send()
    await got(1)
    const old = `update mails set created_at = now() - interval '8 days'`
    await rows(app, old)
    mail.answer = () => 'later'
    await send()
    await vi.waitFor(async () => expect(await inLine()).toMatchObject([{ attempts: 1 }]), 5_000)
    await rows(app, old)
    await app.container.resolve(MailsRepository).removeExpired(Date.now())
    expect(await rows(app, 'select sent_at from mails where recipient = $1', [ben.email])).toEqual([
      { sent_at: null },
    ])
    await rows(app, 'delete from mails')
  })
})

describe('with a mail server', () => {
  test('a token to reset a password is mailed, and nothing is left in the outbox', async () => {
    await new Api(app.origin).data('POST', '/auth/forgot-password', { email: ben.email })
    await got(1)
    const token = /^[\w-]{43}$/m.exec(mail.to(ben.email)[0]?.text ?? '')?.[0]
    const given = { token, password: 'a new battery' }
    expect((await new Api(app.origin).post('/auth/reset-password', given)).status).toBe(204)
    const { dataDir } = app.container.resolve<Config>(CONFIG)
    expect(readdirSync(dataDir)).not.toContain('outbox')
  })

  test('an invitation is mailed with its token, once, to whoever it is for', async () => {
    const outsider = await register(app.origin, 'Out')
    const invitation = { email: outsider.email, role: 'member' }
    const { token } = await ann.api.data('POST', `/workspaces/${workspaceId}/invite`, invitation)
    await catchUp(app)
    await got(1, outsider)
    expect(mail.to(outsider.email)[0]?.text).toContain(token)
    await newTask(ann.api, project.id, { assigneeIds: [ben.id] })
    await catchUp(app)
    await got(1)
    expect(mail.to(outsider.email)).toHaveLength(1)
  })
})

test('without a mail server nothing gets in line', async () => {
  const without = await startApp()
  const [cat, dan] = await Promise.all([register(without.origin, 'Cat'), register(without.origin, 'Dan')])
  const { id } = await newProject(cat, (await workspaceOf(cat, dan)).id)
  await newTask(cat.api, id, { assigneeIds: [dan.id] })
  await catchUp(without)
  expect(await dan.api.data('GET', '/notifications')).toHaveLength(1)
  expect(await rows(without, 'select * from mails')).toEqual([])
  await without.stop()
})

test('several nodes send each mail once', async () => {
  const cluster: Nodes = await startNodes(3, smtp())
  const [node] = cluster.nodes
  if (!node) throw new Error('there is no node')
  const addresses = Array.from({ length: 40 }, (_, n) => `somebody-${n}@example.net`)
  await race(40, n => {
    const { container } = cluster.nodes[n % 3] ?? node
    return container.resolve(Mailer).send({ to: addresses[n] ?? '', subject: 'Hello', text: 'hello' })
  })
  const left = async () =>
    (await node.container.resolve(Database).pool.query('select * from mails where sent_at is null')).rows
  await vi.waitFor(async () => expect(await left()).toEqual([]), 20_000)
  expect(
    mail.received
      .map(({ to }) => to)
      .filter(to => to.endsWith('example.net'))
      .sort(),
  ).toEqual(addresses.sort())
  await cluster.stop()
})

test.each([
  [{ SMTP_URL: 'smtp://mail:25' }, /SMTP_URL and MAIL_FROM go together/],
  [{ MAIL_FROM: 'vibed@example.com' }, /SMTP_URL and MAIL_FROM go together/],
  [{ SMTP_URL: 'http://mail', MAIL_FROM: 'vibed@example.com' }, /SMTP_URL must be/],
  [{ SMTP_URL: 'smtp://mail', MAIL_FROM: 'Vibed' }, /MAIL_FROM must be/],
])('the settings %j are refused', (env, reason) => {
  expect(() => loadConfig(env)).toThrow(reason)
})
