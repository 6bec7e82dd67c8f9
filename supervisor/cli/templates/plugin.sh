# A plugin in bash: jq for the JSON of Outboard's protocol, and a few lines of perl for HTTP, as bash accepts no connections.
LC_ALL=C # Lengths are bytes.
frame_max=$((8 * 1024 * 1024))
answer() { jq -cn --argjson id "$1" --argjson result "$2" '{jsonrpc: "2.0", $id, $result}'; }
refuse() { # id code reason message
	jq -cn --argjson id "$1" --argjson code "$2" --arg reason "$3" --arg message "$4" \
		'{jsonrpc: "2.0", $id, error: {$code, $message, data: {$reason, retryable: false}}}'
}
greet() { jq -c '"Hello, \(.params.args[0] // "world")!"' <<<"$1"; } # outboard call @ID@ greet world

serve() { # What http://127.0.0.1:2066/api/@ID@/ answers.
	perl -e 'open(my $door, "+<&=", $ENV{OUTBOARD_HTTP_FD}) or die $!; $SIG{CHLD} = "IGNORE";
		while (accept(my $visitor, $door)) {
			next if fork; # A process for each visitor; this one accepts the next.
			select $visitor; $| = 1;
			my $head = do { local $/ = "\r\n\r\n"; <$visitor> } // exit;
			my $body = "{\"hello\":\"world\"}\n";
			printf "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
				length $body, $head =~ /^HEAD / ? "" : $body;
			shutdown($visitor, 1); 1 while sysread($visitor, my $rest, 65536); exit;
		}' </dev/null >&2 &
}

# What a line is: its kind, its id, its method, its versions or channel, a line each. Nothing for text that is not JSON.
sorts='if type != "object" or .jsonrpc != "2.0" then "bad" elif (has("method") and has("id")) | not then "other"
	elif (.id | type) != "number" and (.id | type) != "string" then "bad"
	else "asked", (.id | tojson), .method, (.params | .channel // (.protocolVersions | tojson)) end'
while IFS= read -r -n $((frame_max + 1)) line; do
	if ((${#line} > frame_max)); then # Not to be gathered: the rest is skipped.
		while IFS= read -r -n 65536 rest && ((${#rest} == 65536)); do :; done
		refuse null -32003 limit_exceeded 'a message has at most 8 MiB'
		continue
	fi
	mapfile -t message < <(jq -r "$sorts" 2>/dev/null <<<"$line")
	id=${message[1]:-null} detail=${message[3]:-}
	case "${message[0]:-} ${message[2]:-}" in
	"asked initialize") case "$detail" in
		"[1"[],]* | *",1"[],]*) answer "$id" '{"protocolVersion": 1, "hooks": ["onStart", "onStop"], "features": ["http"]}' ;;
		*) jq -cn --argjson id "$id" '{jsonrpc: "2.0", $id, error: {code: -32009, message: "this plugin speaks protocol version 1",
			data: {reason: "conflict", retryable: false, protocolVersions: [1]}}}' ;;
		esac ;;
	"asked start")
		serve
		echo '{"jsonrpc": "2.0", "id": "greet", "method": "ipc.handle", "params": {"channel": "greet"}}'
		answer "$id" '{}' ;;
	"asked ipc.invoke") if [ "$detail" = greet ]; then answer "$id" "$(greet "$line")"; else
		refuse "$id" -32008 not_found "there is one channel, greet"; fi ;;
	"asked ping") answer "$id" '{}' ;;
	"asked stop") answer "$id" '{}'; exit 0 ;;
	"asked "*) refuse "$id" -32601 method_not_found "there is no ${message[2]}" ;;
	" ") case "$line" in *{*'"jsonrpc"'*) refuse null -32700 parse_error 'this is not JSON' ;; esac ;;
	"bad "*) refuse null -32600 invalid_request 'one JSON-RPC 2.0 message a line' ;;
	esac
done
