import { Autowired, Logger, Service } from '@forinda/kickjs-core'
import { refuse } from '../../errors.js'
import { Mailer } from '../../mailer.js'
import { AccountsRepository } from './accounts.repository.js'
import { Passwords } from './passwords.js'
import { SessionsService } from './sessions/sessions.service.js'
import { hashToken, opaqueToken } from './tokens.js'

const VALID_MS = 60 * 60_000

const logger = Logger.for('PasswordResets')

@Service()
export class PasswordResetsService {
  @Autowired(AccountsRepository) private accounts!: AccountsRepository
  @Autowired(SessionsService) private sessions!: SessionsService
  @Autowired(Passwords) private passwords!: Passwords
  @Autowired(Mailer) private mailer!: Mailer

  /** Mails a reset token to the account of this address, if there is one; nobody is told whether there is. */
  async request(email: string, now = Date.now()): Promise<void> {
    const account = await this.accounts.byEmail(email)
    if (!account || account.disabledAt !== null) return
    const token = opaqueToken()
    await this.accounts.addReset(account.user.id, hashToken(token), new Date(now + VALID_MS).toISOString())
    await this.mailer.send({ to: email, subject: 'Reset your Vibed password', text: letter(token) }, now)
    logger.info({ userId: account.user.id }, 'a password reset was asked for')
  }

  /** Sets a new password and signs the user out everywhere. Errors: INVALID_RESET_TOKEN. */
  async redeem(token: string, password: string, now = Date.now()): Promise<void> {
    const [tokenHash, time] = [hashToken(token), new Date(now).toISOString()]
    // A guess must not cost the work of a hash.
    if (!(await this.accounts.hasReset(tokenHash, time))) throw refuse('INVALID_RESET_TOKEN')
    const passwordHash = await this.passwords.hash(password)
    this.sessions.announce(...(await this.accounts.reset(tokenHash, passwordHash, time)))
  }

  /** Removes resets whose time is over. For the timetable. */
  removeExpired(now: number): Promise<void> {
    return this.accounts.removeExpiredResets(new Date(now).toISOString())
  }
}

function letter(token: string): string {
  return `Somebody asked for a new password for this address. If it was you, send this token with the new
password to POST /api/v1/auth/reset-password within an hour:

${token}

If it was not you, there is nothing to do: your password stays as it is.`
}
