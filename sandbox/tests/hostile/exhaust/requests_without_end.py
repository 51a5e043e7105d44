# More requests than anybody answers, and more bytes.
# prints: end
import http.client


def ask(size=0):
    connection.request("POST", "/v1", bytes(size))
    answer = connection.getresponse()
    answer.read()
    return answer.status


connection = http.client.HTTPConnection("127.0.0.1", 11411)
refused = 0
for _ in range(1100):
    try:
        refused += ask() == 429
    except (http.client.HTTPException, OSError):
        connection.close()
if refused < 100:
    print("answered more than a thousand")
print("end")
