import { randomBytes } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Config } from '../../src/config.js'
import { FILES, type FileStore } from '../../src/files/file-store.js'
import type { Attachment } from '../../src/modules/attachments/attachments.contract.js'
import { SweepService } from '../../src/modules/attachments/sweep.service.js'
import type { Task } from '../../src/modules/tasks/tasks.contract.js'
import { startBucket } from '../files/bucket.js'
import { attach, upload } from '../files/uploading.js'
import { type Answer, type Api, register, type TestUser, workspaceOf } from '../support/api.js'
import { type StartOptions, startApp, type TestApp } from '../support/app.js'
import { heard, newProject, newTask, problemOf, race, rows, statementsOf, tally } from './support.js'

/** A server with a task in it, and people around that. */
async function settle(options: StartOptions = {}) {
  const app = await startApp(options)
  const [ann, ben, cat, gus, out] = await Promise.all(
    ['Ann', 'Ben', 'Cat', 'Gus', 'Out'].map(name => register(app.origin, name)),
  )
  if (!ann || !ben || !cat || !gus || !out) throw new Error('somebody is missing')
  const { id: workspaceId } = await workspaceOf(ann, ben, [cat, 'admin'], [gus, 'guest'])
  return { app, ann, ben, cat, gus, out, workspaceId }
}

const ids = (attachments: Attachment[]) => attachments.map(({ id }) => id)
const download = (api: Api, id: string) => api.get(`/attachments/${id}/download`)

describe.each([
  ['in a folder', {}, false],
  ['in a bucket', {}, true],
  ['in a folder, on the embedded database', { on: 'embedded' } as const, false],
])('an attachment %s', (_where, options: StartOptions, inBucket) => {
  let place: Awaited<ReturnType<typeof settle>>
  let bucket: Awaited<ReturnType<typeof startBucket>> | undefined
  let project: { id: string }
  let task: Task

  beforeAll(async () => {
    bucket = inBucket ? await startBucket() : undefined
    const config: Partial<Config> = bucket ? { s3: bucket.config } : {}
    place = await settle({ ...options, config })
  })
  afterAll(async () => {
    await place.app.stop()
    await bucket?.stop()
  })
  beforeEach(async () => {
    project = await newProject(place.ann, place.workspaceId)
    task = await newTask(place.ann.api, project.id)
  })

  const taskNow = (): Promise<Task> => place.ann.api.data('GET', `/tasks/${task.id}`)

  it('is told with who uploaded it, and found where its Location says', async () => {
    const { ann, ben } = place
    const answer = await upload(ben.api, task.id, 'hello', { fileName: 'notes.txt' })
    expect(answer.status).toBe(201)
    const { id, username, firstName, lastName, avatarUrl } = ben.user
    const told = {
      id: expect.any(String),
      taskId: task.id,
      uploaderId: ben.id,
      uploader: { id, username, firstName, lastName, avatarUrl },
      fileName: 'notes.txt',
      contentType: 'text/plain',
      size: 5,
      createdAt: expect.any(String),
    }
    expect(answer.body.data).toEqual(told)
    expect((await ann.api.get(answer.headers.get('location') ?? '')).body.data).toEqual(told)
    expect(await ann.api.data('GET', `/tasks/${task.id}/attachments`)).toEqual([answer.body.data])
  })

  it('is the file that was given, whole and in part, until it is deleted', async () => {
    const { ann, ben, app } = place
    const content = randomBytes(7_000_000)
    const { id } = await attach(ann.api, task.id, content, 'large.bin')
    const [row] = await rows(app, 'select storage_key from attachments where id = $1', [id])
    const url = `${app.origin}/api/v1/attachments/${id}/download`
    const asked = (headers: Record<string, string>) =>
      fetch(url, { headers: { authorization: `Bearer ${ben.accessToken}`, ...headers } })
    expect(Buffer.from(await (await asked({})).arrayBuffer()).equals(content)).toBe(true)
    const part = await asked({ range: 'bytes=5000000-5999999' })
    expect(part.status).toBe(206)
    expect(Buffer.from(await part.arrayBuffer()).equals(content.subarray(5_000_000, 6_000_000))).toBe(true)

    const store = app.container.resolve<FileStore>(FILES)
    const stored = await store.get(row.storage_key)
    expect(stored && (await buffer(stored)).length).toBe(content.length)
    expect((await ann.api.delete(`/attachments/${id}`)).status).toBe(204)
    expect(await store.get(row.storage_key)).toBeUndefined()
    expect(problemOf(await download(ann.api, id))).toBe('404 ATTACHMENT_NOT_FOUND')
    expect(problemOf(await ann.api.get(`/attachments/${id}`))).toBe('404 ATTACHMENT_NOT_FOUND')
    expect(problemOf(await ann.api.delete(`/attachments/${id}`))).toBe('404 ATTACHMENT_NOT_FOUND')
  })

  it('changes the number of attachments of its task, but not the version', async () => {
    const first = await attach(place.ann.api, task.id)
    await attach(place.ben.api, task.id)
    expect(await taskNow()).toMatchObject({ attachmentCount: 2, version: task.version, seq: task.seq + 2 })
    await place.ann.api.data('DELETE', `/attachments/${first.id}`)
    expect(await taskNow()).toMatchObject({ attachmentCount: 1, version: task.version, seq: task.seq + 3 })
    const { lastSeq, changes } = await place.ann.api.data(
      'GET',
      `/projects/${project.id}/changes?since=${task.seq}`,
    )
    expect([lastSeq, changes.map(({ id }: Task) => id)]).toEqual([task.seq + 3, [task.id]])
  })

  it('is swept away with its task', async () => {
    const { app, ann } = place
    const { id } = await attach(ann.api, task.id)
    const [row] = await rows(app, 'select storage_key from attachments where id = $1', [id])
    await ann.api.data('DELETE', `/tasks/${task.id}`)
    expect((await download(ann.api, id)).status).toBe(404)
    await app.container.resolve(SweepService).sweep(Date.now() + 25 * 60 * 60_000)
    expect(await app.container.resolve<FileStore>(FILES).get(row.storage_key)).toBeUndefined()
  })
})

describe('attachments', () => {
  let app: TestApp
  let ann: TestUser
  let ben: TestUser
  let cat: TestUser
  let gus: TestUser
  let out: TestUser
  let workspaceId: string
  let project: { id: string }
  let task: Task

  beforeAll(async () => {
    ;({ app, ann, ben, cat, gus, out, workspaceId } = await settle())
  })
  afterAll(() => app.stop())
  beforeEach(async () => {
    project = await newProject(ann, workspaceId)
    task = await newTask(ann.api, project.id)
  })

  const list = (query = '') => ann.api.get(`/tasks/${task.id}/attachments${query}`)
  const remove = (api: Api, { id }: Attachment): Promise<Answer> => api.delete(`/attachments/${id}`)

  it('are described as a form with a file, and as a file', async () => {
    const { paths } = (await fetch(`${app.origin}/openapi.json`).then(answer => answer.json())) ?? {}
    const { post } = paths['/api/v1/tasks/{taskId}/attachments']
    expect(post.requestBody.content['multipart/form-data'].schema).toMatchObject({ required: ['file'] })
    const { get } = paths['/api/v1/attachments/{attachmentId}/download']
    expect(Object.keys(get.responses)).toEqual(['200', '206', 'default'])
  })

  it('are counted in the statistics of their project', async () => {
    const attachment = await attach(ann.api, task.id)
    const count = async () => (await ann.api.data('GET', `/projects/${project.id}/stats`)).attachmentCount
    expect(await count()).toBe(1)
    await remove(ann.api, attachment)
    expect(await count()).toBe(0)
  })

  it('are told of to those who follow, by ids, with the task as it is since and whose change it was', async () => {
    const [added, removed, updated] = [
      heard(app, 'attachment.added'),
      heard(app, 'attachment.removed'),
      heard(app, 'task.updated'),
    ]
    const headers = { 'x-origin-id': 'tab-1' }
    const { id } = (await upload(ann.api, task.id, 'hello', { headers })).body.data
    await ann.api.delete(`/attachments/${id}`, { headers })
    const place = { workspaceId, projectId: project.id, taskId: task.id, attachmentId: id }
    expect([added, removed]).toEqual([[place], [place]])
    expect(updated.map(({ task: { attachmentCount }, origin }) => [attachmentCount, origin])).toEqual([
      [1, 'tab-1'],
      [0, 'tab-1'],
    ])
  })

  it('are in the activity, with what was added and removed, but not where it is kept', async () => {
    const attachment = await attach(ann.api, task.id, 'hello', 'notes.txt')
    await remove(ann.api, attachment)
    const details = {
      attachmentId: attachment.id,
      fileName: 'notes.txt',
      contentType: 'text/plain',
      size: 5,
    }
    const activity = await ann.api.data('GET', `/tasks/${task.id}/activity`)
    expect(activity).toMatchObject([
      { type: 'attachment.removed', before: details, after: null, actor: { id: ann.id } },
      { type: 'attachment.added', before: null, after: details, actor: { id: ann.id } },
      { type: 'task.created' },
    ])
    expect(JSON.stringify(activity)).not.toContain('storage')
  })

  it('are listed in the order they came, either way, a page at a time, without their files', async () => {
    const all = []
    for (let index = 0; index < 5; index++) all.push(await attach(ann.api, task.id, `${index}`))
    const walked: Attachment[] = []
    for (let cursor = ''; ; ) {
      const { body } = await list(`?limit=2${cursor && `&cursor=${cursor}`}`)
      walked.push(...body.data)
      if (body.meta.nextCursor === null) break
      cursor = body.meta.nextCursor
    }
    expect(walked).toEqual(all)
    expect(ids((await list('?sort=-createdAt')).body.data)).toEqual(ids(all).reverse())
    const { nextCursor } = (await list('?limit=2')).body.meta
    expect(problemOf(await list(`?sort=-createdAt&cursor=${nextCursor}`))).toBe('422 INVALID_CURSOR')
    expect(problemOf(await list('?limit=101'))).toBe('422 VALIDATION_ERROR query.limit')
  })

  it('cost the same statements however many there are', async () => {
    await attach(ann.api, task.id)
    const few = await statementsOf(app, () => list())
    for (let index = 0; index < 10; index++) await attach(ann.api, task.id)
    expect(await statementsOf(app, () => list())).toBe(few)
  })

  it('are deleted by whoever uploaded them, and by admins', async () => {
    const [bens, another] = [await attach(ben.api, task.id), await attach(ben.api, task.id)]
    const anns = await attach(ann.api, task.id)
    expect(problemOf(await remove(ben.api, anns))).toBe('403 FORBIDDEN')
    expect((await remove(ben.api, bens)).status).toBe(204)
    expect((await remove(cat.api, another)).status).toBe(204)
    expect((await remove(ann.api, anns)).status).toBe(204)
  })

  it('are for guests where they were added, and theirs to delete are their own', async () => {
    const anns = await attach(ann.api, task.id)
    const paths = ['', '/download'].map(suffix => `/attachments/${anns.id}${suffix}`)
    for (const path of paths) expect((await gus.api.get(path)).status).toBe(404)
    expect((await upload(gus.api, task.id)).status).toBe(404)
    await ann.api.data('PUT', `/projects/${project.id}/members/${gus.id}`)
    for (const path of paths) expect((await gus.api.get(path)).status).toBe(200)
    const own = await attach(gus.api, task.id)
    expect(problemOf(await remove(gus.api, anns))).toBe('403 FORBIDDEN')
    expect((await remove(gus.api, own)).status).toBe(204)
  })

  it('do not exist for those outside, nor for those who were put out', async () => {
    const attachment = await attach(ben.api, task.id)
    for (const path of [`/attachments/${attachment.id}`, `/attachments/${attachment.id}/download`]) {
      expect(problemOf(await out.api.get(path))).toBe('404 ATTACHMENT_NOT_FOUND')
    }
    expect(problemOf(await remove(out.api, attachment))).toBe('404 ATTACHMENT_NOT_FOUND')
    expect(problemOf(await upload(out.api, task.id))).toBe('404 TASK_NOT_FOUND')
    expect((await out.api.get(`/tasks/${task.id}/attachments`)).status).toBe(404)
    await ann.api.data('DELETE', `/workspaces/${workspaceId}/members/${ben.id}`)
    expect((await download(ben.api, attachment.id)).status).toBe(404)
    expect((await remove(ben.api, attachment)).status).toBe(404)
    await workspaceOf(ben)
  })

  it('are deleted once by many at the same time', async () => {
    const attachment = await attach(ann.api, task.id)
    const answers = await race(20, () => remove(ann.api, attachment))
    expect(tally(answers)).toEqual({ '204': 1, '404 ATTACHMENT_NOT_FOUND': 19 })
    expect(await ann.api.data('GET', `/tasks/${task.id}`)).toMatchObject({
      attachmentCount: 0,
      seq: task.seq + 2,
    })
  })

  it('keep the sequence of the project without gaps while many add and delete', async () => {
    const answers = await race(20, async index => {
      const answer = await upload(ann.api, task.id, `${index}`)
      if (index % 2 === 0) await ann.api.data('DELETE', `/attachments/${answer.body.data.id}`)
      return answer
    })
    expect(tally(answers)).toEqual({ '201': 20 })
    expect(await ann.api.data('GET', `/tasks/${task.id}`)).toMatchObject({
      attachmentCount: 10,
      seq: task.seq + 30,
    })
  })
})
