import { type AppAdapter, Autowired, Logger, PostConstruct, Service } from '@forinda/kickjs-core'
import { createTransport, type Transporter } from 'nodemailer'
import { CONFIG, type Config } from '../config.js'
import { Database } from '../db/database.js'
import { Rounds } from '../rounds.js'
import { type DueMail, hasMails, MailsRepository } from './mails.repository.js'

/** How often it looks for mails that nobody told it of, or whose next attempt has come, in milliseconds. */
const EVERY_MS = 5_000
/** How many mails are under way at a time. */
const AT_ONCE = 5
/** All limits of one attempt together are shorter than the pause before the next one. */
const LIMITS_MS = {
  connectionTimeout: 10_000,
  greetingTimeout: 10_000,
  socketTimeout: 20_000,
  dnsTimeout: 10_000,
}

const logger = Logger.for('Postman')

/**
 * Brings the mails that are in line to the mail server, on every node: each is sent by one, once, unless
 * that node is killed between the server's answer and the mark. Then it is sent again, with the same
 * `Message-ID`, by which whoever receives it can tell.
 */
@Service()
export class Postman implements AppAdapter {
  readonly name = 'Postman'
  @Autowired(CONFIG) private config!: Config
  @Autowired(Database) private db!: Database
  @Autowired(MailsRepository) private mails!: MailsRepository
  private readonly rounds = new Rounds(() => this.sendAll(), { everyMs: EVERY_MS, logger })
  private transport: Transporter | undefined

  @PostConstruct()
  follow(): void {
    this.db.commitHooks.push(tx => {
      if (hasMails(tx)) this.rounds.wake()
    })
  }

  afterStart(): void {
    const { smtp } = this.config
    if (!smtp) return
    this.transport = createTransport({
      url: smtp.url,
      ...LIMITS_MS,
      disableFileAccess: true,
      disableUrlAccess: true,
    })
    this.rounds.start()
  }

  async shutdown(): Promise<void> {
    await this.rounds.stop()
    this.transport?.close()
  }

  private async sendAll() {
    for (let taken = AT_ONCE; taken === AT_ONCE; ) {
      const due = await this.mails.take(AT_ONCE)
      await Promise.all(due.map(mail => this.attempt(mail)))
      taken = due.length
    }
  }

  private async attempt(mail: DueMail) {
    const { id: mailId, attempt } = mail
    try {
      await this.deliver(mail)
      await this.mails.markSent(mailId)
      logger.info({ mailId, attempt }, 'sent a mail')
    } catch (error) {
      const isOver = mail.isLastAttempt || isRefused(error)
      if (isOver) await this.mails.giveUp(mailId)
      const outcome = isOver
        ? 'a mail could not be sent: giving it up'
        : 'a mail could not be sent: trying again later'
      logger.warn({ err: error, mailId, attempt }, outcome)
    }
  }

  private async deliver(mail: DueMail) {
    const from = this.config.smtp?.from ?? ''
    await this.transport?.sendMail({
      from,
      to: mail.to,
      subject: mail.subject,
      text: this.mails.textOf(mail),
      messageId: `<${mail.id}@${domainOf(from)}>`,
      // No answers from machines to a machine.
      headers: { 'Auto-Submitted': 'auto-generated' },
    })
  }
}

function domainOf(address: string): string {
  return /@([^\s<>@]+)>?$/.exec(address)?.[1] ?? 'localhost'
}

/** The mail server knows this address or this mail, and wants it never. */
function isRefused(error: unknown): boolean {
  const { code, responseCode } = Object(error)
  return (code === 'EENVELOPE' || code === 'EMESSAGE') && responseCode >= 500
}
