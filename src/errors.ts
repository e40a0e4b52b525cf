import { type FieldError, HttpException } from '@forinda/kickjs-core'

/** Every error that a client may be told, with its status and the sentence it gets when nothing better is known. */
export const errorTable = {
  VALIDATION_ERROR: [422, 'The input is not valid'],
  UNAUTHENTICATED: [401, 'Sign in first'],
  TOKEN_EXPIRED: [401, 'The access token has expired: refresh it'],
  SESSION_REVOKED: [401, 'This session was signed out'],
  INVALID_CREDENTIALS: [401, 'The e-mail or the password is wrong'],
  INVALID_REFRESH_TOKEN: [401, 'The refresh token is not valid: sign in again'],
  REFRESH_TOKEN_REUSED: [401, 'The refresh token was used before, so its session was signed out'],
  INVALID_TICKET: [401, 'The stream ticket is not valid for this stream'],
  TOKEN_IN_URL: [401, 'An access token does not belong in a URL: ask for a stream ticket'],
  INVALID_RESET_TOKEN: [422, 'The reset token is wrong, used or expired'],
  FORBIDDEN: [403, 'You may see this but not change it'],
  GUEST_FORBIDDEN: [403, 'Guests may not do this'],
  NOT_MESSAGE_AUTHOR: [403, 'Only the author may edit a message'],
  NOT_COMMENT_AUTHOR: [403, 'Only the author may edit a comment'],
  ROUTE_NOT_FOUND: [404, 'There is no such route'],
  USER_NOT_FOUND: [404, 'There is no such user'],
  SESSION_NOT_FOUND: [404, 'There is no such session'],
  WORKSPACE_NOT_FOUND: [404, 'There is no such workspace'],
  MEMBER_NOT_FOUND: [404, 'There is no such member'],
  INVITATION_NOT_FOUND: [404, 'There is no such invitation for you'],
  PROJECT_NOT_FOUND: [404, 'There is no such project'],
  TASK_NOT_FOUND: [404, 'There is no such task'],
  COLUMN_NOT_FOUND: [404, 'The project has no such column'],
  LABEL_NOT_FOUND: [404, 'There is no such label in the workspace'],
  RELATION_NOT_FOUND: [404, 'There is no such relation of the task'],
  COMMENT_NOT_FOUND: [404, 'There is no such comment'],
  ATTACHMENT_NOT_FOUND: [404, 'There is no such attachment'],
  CHANNEL_NOT_FOUND: [404, 'There is no such channel'],
  MESSAGE_NOT_FOUND: [404, 'There is no such message'],
  NOTIFICATION_NOT_FOUND: [404, 'There is no such notification for you'],
  CONNECTION_NOT_FOUND: [404, 'There is no such connection'],
  EMAIL_TAKEN: [409, 'Somebody is registered with this e-mail'],
  USERNAME_TAKEN: [409, 'This username is taken'],
  SLUG_TAKEN: [409, 'This slug is taken'],
  PROJECT_KEY_TAKEN: [409, 'The workspace has a project with this key'],
  LABEL_NAME_TAKEN: [409, 'The workspace has a label of this name'],
  RELATION_EXISTS: [409, 'The tasks are related like this already'],
  RELATION_LOOP: [422, 'Tasks cannot block or duplicate each other in a circle'],
  CHANNEL_NAME_TAKEN: [409, 'The workspace has a channel of this name'],
  CHANNEL_NOT_JOINED: [409, 'Join the channel first'],
  MESSAGE_ID_TAKEN: [409, 'This id belongs to another message'],
  MESSAGE_DELETED: [409, 'The message was deleted'],
  TOO_MANY_REACTIONS: [409, 'The message has as many different emojis as it takes'],
  COMMENT_DELETED: [409, 'The comment was deleted'],
  ALREADY_MEMBER: [409, 'Already a member'],
  LAST_CHANNEL_MEMBER: [409, 'A private channel keeps at least one member: delete it instead'],
  LAST_OWNER: [409, 'A workspace keeps at least one owner'],
  INVITATION_USED: [409, 'The invitation was already accepted'],
  INVITATION_EXPIRED: [410, 'The invitation has expired'],
  IDEMPOTENCY_IN_PROGRESS: [409, 'The first request with this Idempotency-Key is still under way'],
  IDEMPOTENCY_ANSWER_LOST: [
    409,
    'The first request was carried out but its answer was lost: look at the result',
  ],
  IDEMPOTENCY_KEY_REUSED: [422, 'This Idempotency-Key came with another request before'],
  VERSION_CONFLICT: [412, 'Somebody changed it since: load it again'],
  NOT_WORKSPACE_MEMBER: [422, 'Not a member of the workspace'],
  ROLE_TOO_HIGH: [403, 'You cannot give or touch a role above your own'],
  STATUS_NOT_FOUND: [422, 'The project has no such status'],
  WIP_LIMIT_REACHED: [409, 'The column is full'],
  TRANSITION_NOT_ALLOWED: [409, 'A task may not go from its column to that one'],
  COLUMN_KEY_TAKEN: [409, 'The project has a column with this key'],
  LAST_COLUMN: [409, 'A project keeps at least one column'],
  TOO_MANY_COLUMNS: [409, 'The project has as many columns as it takes'],
  PARENT_NOT_FOUND: [422, 'There is no such parent in the same place'],
  PARENT_LOOP: [422, 'A task cannot be below itself'],
  PARENT_TOO_DEEP: [422, 'Subtasks go five levels deep at most'],
  NEIGHBOUR_NOT_FOUND: [422, 'There is no such card in that column'],
  INVALID_CURSOR: [422, 'The cursor is not one that this list gave'],
  MALFORMED_UPLOAD: [400, 'The multipart body is broken or was cut off'],
  QUOTA_EXCEEDED: [409, 'The workspace has no room for this file'],
  FILE_MISSING: [410, 'The file of this attachment is lost'],
  RANGE_NOT_SATISFIABLE: [416, 'The file has no such bytes'],
  FILES_UNAVAILABLE: [503, 'Files cannot be stored or read at the moment: try again'],
  PAYLOAD_TOO_LARGE: [413, 'The payload is too large'],
  RATE_LIMITED: [429, 'Too many requests: wait a little'],
  CLOSED_BY_OPERATOR: [403, 'Whoever runs the server closed this connection'],
  NODES_SILENT: [503, 'Not all nodes answered: try again'],
  ACCESS_CHANGING: [503, 'Who may see what is changing just now: try again'],
  UNKNOWN_EVENT: [404, 'There is no such event'],
  DATABASE_UNAVAILABLE: [503, 'The database cannot be reached: try again'],
} as const satisfies Record<string, readonly [status: number, message: string]>

export type ErrorCode = keyof typeof errorTable

interface Particulars {
  message?: string
  errors?: FieldError[]
  headers?: Record<string, string>
  retryAfterMs?: number
  details?: Record<string, unknown>
  cause?: unknown
}

/** An error of the table, to be thrown: `throw refuse('LAST_OWNER')`. */
export function refuse(code: ErrorCode, { message, ...rest }: Particulars = {}): HttpException {
  const [status, sentence] = errorTable[code]
  const headers = status === 401 ? { 'WWW-Authenticate': 'Bearer' } : {}
  return new HttpException(status, message ?? sentence, { code, headers, ...rest })
}

/** A `VALIDATION_ERROR` about one field, for rules that a schema cannot know: `invalid('body.seq', '…')`. */
export function invalid(path: string, message: string): HttpException {
  return refuse('VALIDATION_ERROR', { message: `${path}: ${message}`, errors: [{ path, message }] })
}

/** Why the server cannot start, in one line that names the problem and the mend. Printed without a stack. */
export class StartupError extends Error {
  override name = 'StartupError'
}
