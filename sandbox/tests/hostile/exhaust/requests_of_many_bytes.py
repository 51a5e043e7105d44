# Prompts as large as they may be, until nobody takes more of them.
# prints: end
import http.client

taken = 0
while taken < 40:
    connection = http.client.HTTPConnection("127.0.0.1", 11411)
    connection.request("POST", "/v1", bytes(4 * 1024 * 1024))
    if connection.getresponse().status == 429:
        break
    connection.close()
    taken += 1
if not 10 < taken < 20:
    print("taken", taken)
print("end")
