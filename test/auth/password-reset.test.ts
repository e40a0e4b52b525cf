import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { CONFIG, type Config } from '../../src/config.js'
import { Afterwards } from '../../src/http/afterwards.js'
import { Mailer } from '../../src/mailer.js'
import { AccountsRepository } from '../../src/modules/auth/accounts.repository.js'
import { PasswordResetsService } from '../../src/modules/auth/password-resets.service.js'
import { Api, register, type TestUser } from '../support/api.js'
import { startApp, type TestApp } from '../support/app.js'

const password = 'a new battery'
let app: TestApp
let api: Api
let ann: TestUser
beforeAll(async () => {
  app = await startApp()
  api = new Api(app.origin)
})
beforeEach(async () => {
  ann = await register(app.origin)
})
afterAll(() => app?.stop())

function mailsTo(address: string): string[] {
  const outbox = join(app.container.resolve<Config>(CONFIG).dataDir, 'outbox')
  const files = readdirSync(outbox).sort()
  expect(files.every(file => (statSync(join(outbox, file)).mode & 0o777) === 0o600)).toBe(true)
  return files
    .map(file => readFileSync(join(outbox, file), 'utf8'))
    .filter(mail => mail.includes(`To: ${address}\r\n`))
}

/** Asks for a mail, and waits until what follows on the answer is done. */
async function ask(email: string) {
  const answer = await api.post('/auth/forgot-password', { email })
  expect([answer.status, answer.body]).toEqual([204, ''])
  await app.container.resolve(Afterwards).finish()
}

async function tokenFor({ email }: TestUser) {
  await ask(email)
  return /^[\w-]{43}$/m.exec(mailsTo(email).at(-1)?.replaceAll('\r', '') ?? '')?.[0] ?? 'no token'
}

const reset = (token: string, changed = password) =>
  api.post('/auth/reset-password', { token, password: changed })

describe('a forgotten password', () => {
  test('is asked for with the same answer, whoever asks', async () => {
    await Promise.all([ann.email, 'nobody@example.com'].map(ask))
    expect(mailsTo(ann.email)).toHaveLength(1)
    expect(mailsTo('nobody@example.com')).toHaveLength(0)
  })

  test('is replaced by the one who has the mail, which signs everybody out', async () => {
    expect((await reset(await tokenFor(ann))).status).toBe(204)
    expect((await ann.api.get('/users/me')).body.code).toBe('SESSION_REVOKED')
    const { email } = ann
    expect((await api.post('/auth/login', { email, password: 'correct horse' })).status).toBe(401)
    expect((await api.post('/auth/login', { email, password })).status).toBe(200)
  })

  test('is replaced once, also by 50 racers with one token', async () => {
    const token = await tokenFor(ann)
    const answers = await Promise.all(Array.from({ length: 50 }, () => reset(token)))
    expect(answers.filter(({ status }) => status === 204)).toHaveLength(1)
    expect(answers.filter(({ body }) => body.code === 'INVALID_RESET_TOKEN')).toHaveLength(49)
    expect((await reset(token)).status).toBe(422)
  })

  test('leaves no other token that could replace it again', async () => {
    const [first, second] = [await tokenFor(ann), await tokenFor(ann)]
    expect((await reset(second)).status).toBe(204)
    expect((await reset(first)).body.code).toBe('INVALID_RESET_TOKEN')
  })

  test('can be replaced for an hour', async () => {
    const resets = app.container.resolve(PasswordResetsService)
    const token = await tokenFor(ann)
    await expect(resets.redeem(token, password, Date.now() + 3_600_000)).rejects.toMatchObject({
      code: 'INVALID_RESET_TOKEN',
    })
    await resets.redeem(token, password, Date.now() + 3_590_000)
    await resets.removeExpired(Date.now() + 3_700_000)
    const { rows } = await app.database.pool.query('select 1 from password_resets')
    expect(rows).toHaveLength(0)
  })

  test('is not replaced by a guess or by a bad password', async () => {
    expect(await reset('guess')).toMatchObject({ status: 422, body: { code: 'INVALID_RESET_TOKEN' } })
    const token = await tokenFor(ann)
    expect(await reset(token, 'short')).toMatchObject({ body: { errors: [{ path: 'body.password' }] } })
    expect((await reset(token)).status).toBe(204)
  })

  test('is not mailed to a disabled user', async () => {
    await app.database.pool.query('update users set disabled_at = now() where id = $1', [ann.id])
    await ask(ann.email)
    expect(mailsTo(ann.email)).toHaveLength(0)
  })

  test('is looked for after the answer, which so tells nothing by its time', async () => {
    const accounts = app.container.resolve(AccountsRepository)
    let go = () => {}
    const gate = new Promise<void>(resolve => {
      go = resolve
    })
    const looked = vi.spyOn(accounts, 'byEmail').mockImplementationOnce(async email => {
      await gate
      return accounts.byEmail(email)
    })
    expect((await api.post('/auth/forgot-password', { email: ann.email })).status).toBe(204)
    await vi.waitFor(() => expect(looked).toHaveBeenCalled())
    go()
    await app.container.resolve(Afterwards).finish()
    expect(mailsTo(ann.email)).toHaveLength(1)
    looked.mockRestore()
  })

  test('that cannot be mailed fails after the answer, and stops nothing', async () => {
    const mailing = vi
      .spyOn(app.container.resolve(Mailer), 'send')
      .mockRejectedValueOnce(new Error('no room'))
    await ask(ann.email)
    expect(mailing).toHaveBeenCalledOnce()
    mailing.mockRestore()
    await ask(ann.email)
    expect(mailsTo(ann.email)).toHaveLength(1)
  })

  test('is mailed before a server that is told to stop has stopped', async () => {
    const stopping = await startApp()
    const bob = await register(stopping.origin)
    const mailer = stopping.container.resolve(Mailer)
    const sent: string[] = []
    vi.spyOn(mailer, 'send').mockImplementationOnce(async mail => {
      await new Promise(resolve => setTimeout(resolve, 100))
      await stopping.database.ping()
      sent.push(mail.to)
    })
    await new Api(stopping.origin).post('/auth/forgot-password', { email: bob.email })
    await stopping.stop()
    expect(sent).toEqual([bob.email])
  })
})
