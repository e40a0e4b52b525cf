import { Autowired, Service } from '@forinda/kickjs-core'
import { CONFIG, type Config } from './config.js'
import { Database, type Queries } from './db/database.js'
import type { Mail } from './mail/mail.js'
import { MailsRepository } from './mail/mails.repository.js'
import { Outbox } from './mail/outbox.js'

/** Where mails go: in line for the mail server, which the postman brings them to, or without one into a folder. */
@Service()
export class Mailer {
  @Autowired(CONFIG) private config!: Config
  @Autowired(Database) private db!: Database
  @Autowired(MailsRepository) private mails!: MailsRepository
  @Autowired(Outbox) private outbox!: Outbox

  /** Whether there is a mail server. */
  get isOn(): boolean {
    return this.config.smtp !== undefined
  }

  /** Sends mails if what they tell of is committed, in whose transaction this is; without a mail server, none. */
  async queue(tx: Queries, mails: readonly Mail[]): Promise<void> {
    if (this.isOn) await this.mails.add(tx, mails)
  }

  /** Sends one that must get there: without a mail server whoever runs Vibed finds it in the outbox. */
  async send(mail: Mail, now = Date.now()): Promise<void> {
    if (this.isOn) await this.db.write(tx => this.mails.add(tx, [mail]))
    else await this.outbox.leave(mail, now)
  }
}
