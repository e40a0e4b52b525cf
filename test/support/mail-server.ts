import type { AddressInfo } from 'node:net'
import { SMTPServer } from 'smtp-server'

export interface Received {
  to: string
  subject: string
  messageId: string
  text: string
}

type Verdict = 'take' | 'later' | 'never'

/** A mail server that remembers what it took. */
export class MailServer {
  readonly received: Received[] = []
  /** How it answers to mails for an address. */
  answer: (to: string) => Verdict = () => 'take'
  /** How often each address was tried. */
  readonly tries = new Map<string, number>()
  private readonly server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onRcptTo: ({ address }, _session, done) => {
      this.tries.set(address, (this.tries.get(address) ?? 0) + 1)
      const verdict = this.answer(address)
      if (verdict === 'take') return done()
      const responseCode = verdict === 'never' ? 550 : 451
      done(Object.assign(new Error('not now'), { responseCode }))
    },
    onData: (stream, { envelope }, done) => {
      const parts: Buffer[] = []
      stream.on('data', part => parts.push(part))
      stream.on('end', () => {
        const to = envelope.rcptTo.map(({ address }) => address).join()
        this.received.push({ to, ...parse(Buffer.concat(parts).toString('utf8')) })
        done()
      })
    },
  })

  static async start(): Promise<MailServer> {
    const mail = new MailServer()
    mail.server.on('error', error => {
      // Whoever is killed in the middle of a mail breaks his connection off.
      if (!('code' in error && error.code === 'ECONNRESET')) throw error
    })
    await new Promise<void>(resolve => mail.server.listen(0, '127.0.0.1', resolve))
    return mail
  }

  get url(): string {
    return `smtp://127.0.0.1:${(this.server.server.address() as AddressInfo).port}`
  }

  to(address: string): Received[] {
    return this.received.filter(({ to }) => to === address)
  }

  stop(): Promise<void> {
    return new Promise(resolve => this.server.close(() => resolve()))
  }
}

function parse(mail: string) {
  const [head = '', ...paragraphs] = mail.split('\r\n\r\n')
  const field = (name: string) => new RegExp(`^${name}: (.*(?:\r\n .*)*)`, 'im').exec(head)?.[1] ?? ''
  return {
    subject: field('subject').replaceAll('\r\n', ''),
    messageId: field('message-id'),
    // What is too long for a line is cut by a soft break.
    text: paragraphs.join('\n\n').replaceAll('=\r\n', '').replaceAll('\r\n', '\n'),
  }
}
