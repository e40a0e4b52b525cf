import { randomUUID } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Autowired, Service } from '@forinda/kickjs-core'
import { CONFIG, type Config } from '../config.js'
import type { Mail } from './mail.js'

/** Leaves mails as `.eml` files in `<dataDir>/outbox`, readable by the server's user alone, since they may hold tokens. */
@Service()
export class Outbox {
  @Autowired(CONFIG) private config!: Config

  async leave({ to, subject, text }: Mail, now: number): Promise<void> {
    const id = randomUUID()
    const sent = new Date(now)
    const mail = [
      'From: Vibed <no-reply@vibed.invalid>',
      `To: ${to}`,
      `Subject: ${subject}`,
      `Date: ${sent.toUTCString().replace('GMT', '+0000')}`,
      `Message-ID: <${id}@vibed.invalid>`,
      'MIME-Version: 1.0',
      'Content-Type: text/plain; charset=utf-8',
      'Content-Transfer-Encoding: 8bit',
      '',
      ...text.split('\n'),
      '',
    ]
    const outbox = join(this.config.dataDir, 'outbox')
    await mkdir(outbox, { recursive: true, mode: 0o700 })
    const name = `${sent.toISOString().replaceAll(':', '-')}-${id}.eml`
    await writeFile(join(outbox, name), mail.join('\r\n'), { mode: 0o600, flag: 'wx' })
  }
}
