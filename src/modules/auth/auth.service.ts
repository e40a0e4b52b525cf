import { Autowired, Service } from '@forinda/kickjs-core'
import { refuse } from '../../errors.js'
import { AccountsRepository } from './accounts.repository.js'
import type { Credentials, Registration, SignedIn } from './auth.contract.js'
import { Passwords } from './passwords.js'
import { type Device, SessionsService } from './sessions/sessions.service.js'

@Service()
export class AuthService {
  @Autowired(AccountsRepository) private accounts!: AccountsRepository
  @Autowired(SessionsService) private sessions!: SessionsService
  @Autowired(Passwords) private passwords!: Passwords

  /** Errors: EMAIL_TAKEN. */
  async register({ password, ...person }: Registration, device: Device, now = Date.now()): Promise<SignedIn> {
    const passwordHash = await this.passwords.hash(password)
    const { session, refreshable } = this.sessions.draft(device, now)
    const user = await this.accounts.create({ ...person, passwordHash }, session)
    return this.sessions.answer(user, refreshable, now)
  }

  /** Errors: INVALID_CREDENTIALS, told after the same work whether or not there is such an account. */
  async login({ email, password }: Credentials, device: Device, now = Date.now()): Promise<SignedIn> {
    const account = await this.accounts.byEmail(email)
    const fits = await this.passwords.matches(password, account?.passwordHash)
    if (!account || !fits) throw refuse('INVALID_CREDENTIALS')
    const { user, passwordHash } = account
    const { session, refreshable } = this.sessions.draft(device, now)
    const begun = await this.accounts.beginSession(user.id, passwordHash, session)
    if (!begun) throw refuse('INVALID_CREDENTIALS')
    return this.sessions.answer(user, refreshable, now)
  }
}
