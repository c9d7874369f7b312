-- wrk script: POST /emails, each request another mail.
local threads = 0

function setup(thread)
    thread:set("thread_number", threads)
    threads = threads + 1
end

function init()
    sent = 0
    wrk.method = "POST"
    wrk.headers["Content-Type"] = "application/json"
    wrk.headers["Authorization"] = "Bearer " .. os.getenv("PRESORT_KEY")
end

function request()
    sent = sent + 1
    local name = thread_number .. "-" .. sent
    return wrk.format(nil, nil, nil, '{"from":"Market <receipts@market.example>",'
        .. '"to":["reader' .. name .. '@example.com"],'
        .. '"subject":"Your receipt ' .. name .. '",'
        .. '"html":"<p>Thank you for order <b>' .. name .. '</b>.</p>",'
        .. '"text":"Thank you for order ' .. name .. '."}')
end
