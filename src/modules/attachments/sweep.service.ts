import { Autowired, Logger, Service } from '@forinda/kickjs-core'
import { FILES, type FileStore, keyPrefixes } from '../../files/file-store.js'
import { SweepRepository } from './sweep.repository.js'
import { Uploads } from './uploads.js'

/** What is younger may belong to an upload under way. */
const GRACE_MS = 24 * 60 * 60_000
/** The most attachments that one line of the log names. */
const MOST_NAMED = 100

export interface Swept {
  /** Files that were removed. */
  removed: number
  /** Attachments without their file. */
  missing: number
}

const logger = Logger.for('Sweep')

/** Compares the files that are stored with the attachments that there are. */
@Service()
export class SweepService {
  @Autowired(FILES) private files!: FileStore
  @Autowired(SweepRepository) private attachments!: SweepRepository
  @Autowired(Uploads) private uploads!: Uploads

  /**
   * Removes files that belong to nothing, by a kill between the file and its row or since their task,
   * project or workspace is gone, and reports attachments without a file. A part of the keys at a time,
   * so that it never holds all of them. For the timetable.
   */
  async sweep(now: number): Promise<Swept> {
    const swept = { removed: 0, missing: 0 }
    for (const prefix of keyPrefixes) {
      const { removed, missing } = await this.sweepPart(prefix, now - GRACE_MS)
      swept.removed += removed
      swept.missing += missing
    }
    logger.info(swept, 'the files were compared with the attachments')
    return swept
  }

  /** Files first: whatever has a row by then is not taken for an orphan. */
  private async sweepPart(prefix: string, before: number): Promise<Swept> {
    await this.attachments.release(prefix, new Date(before).toISOString())
    const files = await this.files.list(prefix)
    const standing = await this.attachments.standing(prefix)
    const needed = new Set(standing.map(({ storageKey }) => storageKey))
    const orphans = files.filter(({ key, modifiedAt }) => !needed.has(key) && modifiedAt < before)
    for (const { key } of orphans) await this.uploads.remove(key)
    const stored = new Set(files.map(({ key }) => key))
    const missing = standing.filter(
      ({ storageKey, createdAt }) => !stored.has(storageKey) && Date.parse(createdAt) < before,
    )
    this.report(missing.map(({ id }) => id))
    return { removed: orphans.length, missing: missing.length }
  }

  private report(attachmentIds: readonly string[]) {
    if (attachmentIds.length === 0) return
    const attachments = attachmentIds.slice(0, MOST_NAMED)
    logger.error({ attachments, count: attachmentIds.length }, 'attachments have lost their files')
  }
}
