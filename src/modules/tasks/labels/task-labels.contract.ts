import { noQuery, uuid } from '../../../fields.contract.js'
import { task, taskParams } from '../tasks.contract.js'

const labelParams = taskParams.extend({ labelId: uuid })

export const attachLabel = { name: 'attachLabel', params: labelParams, query: noQuery, response: task }
export const detachLabel = { name: 'detachLabel', params: labelParams, query: noQuery }
