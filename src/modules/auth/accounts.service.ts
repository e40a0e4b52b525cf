import { Autowired, Service } from '@forinda/kickjs-core'
import type { Asker } from '../../access/asker.js'
import { refuse } from '../../errors.js'
import { AccountsRepository } from './accounts.repository.js'
import type { Account } from './auth.contract.js'
import { SessionsService } from './sessions/sessions.service.js'

@Service()
export class AccountsService {
  @Autowired(AccountsRepository) private accounts!: AccountsRepository
  @Autowired(SessionsService) private sessions!: SessionsService

  /** Signs a user out everywhere, and lets him in no more. Errors: FORBIDDEN for oneself, USER_NOT_FOUND. */
  async shutOut(operator: Asker, userId: string, now = Date.now()): Promise<Account> {
    if (operator.id === userId)
      throw refuse('FORBIDDEN', { message: 'You cannot shut yourself out: another operator can' })
    const time = new Date(now).toISOString()
    const { account, revoked } = await this.accounts.disable(operator.id, userId, time)
    this.sessions.announce(...revoked)
    return account
  }

  /** Lets him sign in again. Errors: USER_NOT_FOUND. */
  letIn(userId: string): Promise<Account> {
    return this.accounts.enable(userId)
  }
}
