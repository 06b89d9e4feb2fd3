-- Neovim as the client of `andon lsp`: opens a mapping, types, asks as its own commands do, and prints what it
-- was shown as JSON.
--
--   nvim --headless --clean -l client.lua ANDON FOLDER
local andon, folder = arg[1], arg[2]
local shown = {}

local function wait(what, holds)
  assert(vim.wait(60000, holds, 50), "in vain: " .. what)
end

vim.cmd.edit(folder .. "/mappings/drift.yaml")
local buffer = vim.api.nvim_get_current_buf()
local id = assert(vim.lsp.start({ name = "andon", cmd = { andon, "lsp" }, root_dir = folder }, { bufnr = buffer }))
wait("the server", function()
  local client = vim.lsp.get_client_by_id(id)
  return client and client.initialized
end)

-- The place behind the first `text` of the buffer.
local function behind(text)
  for number, line in ipairs(vim.api.nvim_buf_get_lines(buffer, 0, -1, false)) do
    local _, column = line:find(text, 1, true)
    if column then
      return number, column
    end
  end
  error("no " .. text)
end

local function replace(old, new)
  local line, column = behind(old)
  vim.api.nvim_buf_set_text(buffer, line - 1, column - #old, line - 1, column, { new })
end

local function faults()
  return vim.tbl_map(function(fault)
    return { code = fault.code, line = fault.lnum, column = fault.col, message = fault.message }
  end, vim.diagnostic.get(buffer))
end

-- What is wrong is underlined while it is typed, and no longer when it is mended.
wait("a sound file", function()
  return #faults() == 0
end)
replace("signal.status", "signal.sttus")
wait("a fault", function()
  return #faults() > 0
end)
shown.faults = faults()
replace("signal.sttus", "signal.status")
wait("no fault", function()
  return #faults() == 0
end)

-- A condition that is half typed is completed.
replace('signal.metric == "ValueDrift"', "signal.")
local line, column = behind('"FAIL" && signal.')
-- Behind the last character, where the cursor stands while one types.
local params = {
  textDocument = vim.lsp.util.make_text_document_params(buffer),
  position = { line = line - 1, character = column },
}
local answers = vim.lsp.buf_request_sync(buffer, "textDocument/completion", params, 60000)
shown.offers = {}
for _, item in ipairs(assert(answers and answers[id] and answers[id].result, "no completion").items) do
  shown.offers[item.label] = { detail = item.detail, about = (item.documentation or {}).value }
end
replace('"FAIL" && signal.', '"FAIL"')

-- `K` explains.
line, column = behind("signal.status")
vim.api.nvim_win_set_cursor(0, { line, column - 1 })
vim.lsp.buf.hover()
local function float()
  for _, window in ipairs(vim.api.nvim_list_wins()) do
    if vim.api.nvim_win_get_config(window).relative ~= "" then
      return window
    end
  end
end
wait("a hover", float)
local window = float()
shown.hover = table.concat(vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(window), 0, -1, false), "\n")
vim.api.nvim_win_close(window, true)

-- Formatting puts keys in order.
local head = vim.api.nvim_buf_get_lines(buffer, 1, 3, false)
vim.api.nvim_buf_set_lines(buffer, 1, 3, false, { head[2], head[1] })
vim.lsp.buf.format({ bufnr = buffer, timeout_ms = 60000 })
shown.formatted = vim.deep_equal(vim.api.nvim_buf_get_lines(buffer, 1, 3, false), head)

-- `gd` jumps into the connector's manifest.
line, column = behind("evidently/test")
vim.api.nvim_win_set_cursor(0, { line, column - 1 })
vim.lsp.buf.definition()
wait("a jump", function()
  return vim.api.nvim_get_current_buf() ~= buffer
end)
shown.jump = { file = vim.api.nvim_buf_get_name(0), line = vim.api.nvim_get_current_line() }

local client = vim.lsp.get_client_by_id(id)
client:stop()
wait("the end", function()
  return client:is_stopped()
end)
print(vim.json.encode(shown))
