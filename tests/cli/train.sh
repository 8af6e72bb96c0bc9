#!/bin/sh
# symgrad train: where its optimizers end, what it keeps, and how it goes on.
. "${srcdir:-.}/tests/cli/harness.inc"
cd "$work" || exit 99
export LC_ALL=C

cat >net.sg <<'END_SG'
input x[N, 3], y[N]
param w[3] = [0.1, -0.2, 0.3], b = 0.5
loss = mean((tanh(x @ w) + b - y)**2)
gradient loss wrt params
END_SG

# numbers: those of $work/out without the names before them
numbers() { sed 's/^[a-z_]* = //' "$work/out" | tr -d '[],{}"' | tr -s ' \n' '\n\n'; }
# near CLAIM TOLERANCE 'NUMBERS': they are these, in their order
near() {
	if numbers | awk -v want="$3" -v most="$2" '
		BEGIN { n = split(want, w, " ") }
		NF { d = $1 - w[++i]; if (d < 0) d = -d; if (!(d <= most)) bad = 1 }
		END { exit bad || i != n }'; then
		pass
	else
		fail "$1" "got    $(numbers | tr '\n' ' ')" "wanted $3"
	fi
}

# ---- the optimizers: PyTorch 2.13.0, torch.optim in f64, five steps; the loss after them, w, b
five() { # five CLAIM 'NUMBERS' OPTION...
	claim=$1 want=$2
	shift 2
	expect "$claim" 0 '*' '' train net.sg --loss=loss 'x=[[1, 2, -1], [0.5, -1, 0.25]]' 'y=[1, -1]' --epochs=5 "$@"
	near "$claim ends where PyTorch's does" 2e-8 "$want"
}
decay='--lr=0.1 --weight-decay=0.01'
# shellcheck disable=SC2086
{
	five sgd '0.16347638400395328 -0.02928296720234841 0.5880793550332909 0.035543481164352714 0.0956696631344497' \
		--optimizer=sgd $decay
	five momentum '0.1361093832002454 -0.10656544963753761 1.9907406612902272 -0.473164665487301 -0.3815909557959843' \
		--optimizer=momentum $decay
	five nesterov '0.08779657257577497 -0.16407635020933262 1.6972525535067704 -0.34964094105437593 -0.3178973661957517' \
		--optimizer=momentum --nesterov $decay
	five adam '0.2986892489718039 0.05150788712823043 0.29085176597698015 -0.1902188219511478 0.009114592762357016' \
		--optimizer=adam --beta2=0.99 $decay
	five adamw '0.2981401648259734 0.0528970371676432 0.2908354950423202 -0.19072538620866805 0.007564621360667212' \
		--optimizer=adamw --beta2=0.99 $decay
}
five 'adam by its defaults' \
	'2.1575073461123835 0.09500955465798805 -0.1949997217741332 0.29499957198689586 0.49500122089803966'
five 'adamw by its defaults' \
	'2.157439851048426 0.0950047043363471 -0.19498982106892743 0.2949846707019221 0.49497632636124467' --optimizer=adamw
five 'sgd by its defaults' \
	'1.5917552214791415 0.09739925260734655 -0.04311010040181567 0.24181647449884422 0.4600873260603181' --optimizer=sgd
five 'momentum by its defaults' \
	'0.850909727570231 0.09018947499105322 0.2022779233114765 0.151598410010433 0.39373164811917033' --optimizer=momentum

# Rosenbrock's valley, whose least place is (1, 1)
cat >valley.sg <<'END'
param p[2] = [-1.2, 1]
output (1 - p[0])**2 + 100*(p[1] - p[0]**2)**2 as f
END
if "$SYMGRAD" train valley.sg --loss=f --optimizer=lbfgs >"$work/out" 2>"$work/err"; then
	near 'L-BFGS finds the least value' 1e-8 '0 1 1'
	expect 'L-BFGS ends when its time is over' 0 '*' '' train valley.sg --loss=f --optimizer=lbfgs --epochs=3 --log=v.csv
	judge 'a line for each of its iterations' "$(test "$(wc -l <v.csv)" = 4; echo $?)"
else
	says 'without liblbfgs that is said' 'built without liblbfgs'
fi
expect 'L-BFGS has no rate' 2 '' '*' train valley.sg --loss=f --optimizer=lbfgs --lr=1
says 'and says so' '--lr means nothing to --optimizer=lbfgs'

# ---- batches. The gradient is a mean of rows: an epoch adds them up, whatever their order
cat >rows.sg <<'END'
input x[N, 2] = reshape(arange(2*N)*1.0, [N, 2]), scale = 1
param w[2] = zeros([2])
loss = mean(x @ w) * scale
output loss
END
expect 'each row is taken once' 0 '*' '' train rows.sg --loss=loss N=6 --batch=2 --epochs=1 --optimizer=sgd --lr=1
near 'in batches of two' 1e-12 '-183 -15 -18'
expect 'the last batch has the rows that are left' 0 '*' '' \
	train rows.sg --loss=loss 'x=[[1, 2], [1, 2], [1, 2]]' --batch=2 --epochs=1 --optimizer=sgd --lr=1
near 'and is one' 1e-12 '-10 -2 -4'
cat >order.sg <<'END'
input x[N] = randn([N], seed=3)
param w = 1.0
gradient mean((w*x - sin(x))**2) as loss wrt w
END
for seed in 1 1 2; do
	"$SYMGRAD" train order.sg N=100 --batch=7 --epochs=3 --lr=0.1 --seed=$seed >"order$seed$(test -f order1 && echo again)"
	test -f order1 || mv order1* order1
done
cmp -s order1 order1again
judge 'the same seed, the same numbers' $?
! cmp -s order1 order2again
judge 'another seed, others' $?
cat >clash.sg <<'END'
input x[N], y[M, N]
param w = 1.0
gradient sum(w*x) + w*sum(y) as loss wrt w
END
expect 'what can not be cut' 1 '' '*' train clash.sg 'x=[1, 2]' 'y=[[1, 2]]' --batch=1
says 'is named' "can't cut the rows 'N': input 'y' is \[M, N\]"
expect 'another dimension can' 0 '*' '' train clash.sg 'x=[1, 2]' 'y=[[1, 2], [3, 4]]' --batch=1 --batch-dim=M

# ---- what is kept
cat >fit.sg <<'END'
real f32
input x[N] = randn([N], seed=5)
param w[4] = 0.1*ones([4])
y = w[0] + w[1]*tanh(w[2]*x + w[3])
output y
gradient mean((y - sin(x))**2) as loss wrt params
END
expect 'with --save' 0 '*' '' train fit.sg N=50 --epochs=40 --save=whole.npz --log=whole.csv --plot=whole.svg --format=json
loss=$(sed -n 's/.*"loss": \([^}]*\)}/\1/p' "$work/out")
test -n "$loss" && ! grep -q '"w"' "$work/out"
judge 'the params are in the file alone' $?
prints 'which other commands read' "$loss" sh -c "'$SYMGRAD' run fit.sg N=50 w=@whole.npz:w | sed -n 's/^loss = //p'"
awk -F, 'NR > 1 && ($1 != NR - 1 || NF != 4 || $2 > last && NR > 2) { exit 1 } { last = $2 } END { exit NR != 41 }' whole.csv
judge 'the log has a line for each epoch, and the loss falls' $?
grep -q '^<svg.*' whole.svg && grep -q '<polyline' whole.svg && tail -n 1 whole.svg | grep -qx '</svg>'
judge 'there is a picture' $?

expect 'half of it' 0 '*' '' train fit.sg N=50 --epochs=17 --save=half.npz --log=half.csv
expect 'and the other half' 0 '*' '' train fit.sg N=50 --epochs=40 --save=half.npz --log=half.csv --resume --plot=half.svg
prints 'are the whole' "$("$SYMGRAD" run fit.sg N=50 w=@whole.npz:w)" "$SYMGRAD" run fit.sg N=50 w=@half.npz:w
cut -d, -f1-3 whole.csv >a && cut -d, -f1-3 half.csv >b && cmp a b && cmp whole.svg half.svg
judge 'in the log and the picture too' $?
expect 'what is done is done' 0 '*' "note: 'half.npz' has 40 epochs: none is left of --epochs=40" \
	train fit.sg N=50 --epochs=40 --save=half.npz --resume

expect 'another optimizer can not go on' 1 '' '*' train fit.sg N=50 --save=half.npz --resume --optimizer=sgd
says 'and says why' 'half.npz was written with --optimizer=adam, not sgd'
cat >other.sg <<'END'
param w[5] = ones([5])
gradient sum(w**2) as loss wrt w
END
expect 'nor another model' 1 '' '*' train other.sg --save=half.npz --resume
says 'which is told by its loss' "half.npz was written for another loss than 'loss' is now"
sed 's/(y - sin(x))/(y - cos(x))/' fit.sg >cosine.sg
expect 'nor another loss of the same shapes' 1 '' '*' train cosine.sg N=50 --save=half.npz --resume
says 'which may begin anew from the params' 'w=@half.npz:w, without --resume'
sed 's/0.1\*ones/0.2*ones/; s/^y = /# another text\n\ny = /; $a entry more = w[0]*x as m' fit.sg >same.sg
expect 'the loss is not its text' 0 '*' "note: 'half.npz' has 40 epochs: none is left of --epochs=40" \
	train same.sg N=50 --epochs=40 --save=half.npz --resume
expect 'between epochs other data may be meant' 0 '*' \
	"note: 'half.npz' was written with other data: input 'x' is not what it was" \
	train fit.sg N=51 --epochs=41 --save=half.npz --resume
"$SYMGRAD" run fit.sg N=50 -o plain.npz
expect 'nor results of a run' 1 '' '*' train fit.sg N=50 --save=plain.npz --resume
says 'which are no checkpoint' 'plain.npz is no checkpoint'
head -c 700 half.npz >torn.npz
expect 'nor a torn file' 1 '' '*' train fit.sg N=50 --save=torn.npz --resume
expect 'a checkpoint that is not there yet' 0 '*' "note: there is no 'new.npz' yet: training begins" \
	train fit.sg N=50 --epochs=1 --save=new.npz --resume
expect '--resume alone' 2 '' '*' train fit.sg N=50 --resume

# ---- interruptions. Each epoch has 30,000 steps.
long='fit.sg N=30000 --batch=1 --epochs=12 --lr=0.0001'
# shellcheck disable=SC2086
"$SYMGRAD" train $long --save=straight.npz >/dev/null
straight=$("$SYMGRAD" run fit.sg N=50 w=@straight.npz:w)
# cut SIGNALS OPTION...: interrupts it in its second epoch or later, and returns how it ended
cut() {
	signal=$1
	shift
	rm -f cut.npz cut.csv
	# shellcheck disable=SC2086
	"$SYMGRAD" train $long --save=cut.npz --log=cut.csv "$@" >/dev/null 2>"$work/err" &
	pid=$!
	while ! { test -f cut.csv && test "$(wc -l <cut.csv)" -ge 2; }; do sleep 0.02; done
	for name in $signal; do kill "-$name" $pid 2>/dev/null; done
	wait $pid 2>/dev/null
}
interrupt() { # interrupt SIGNAL STATUS: on a busy machine it may be done before it is interrupted
	for _ in 1 2 3 4 5 6 7 8; do
		cut "$1"
		status=$?
		test $status = 0 || break
	done
	judge "SIG$1 ends it with $2" "$(test $status = "$2"; echo $?)"
	# shellcheck disable=SC2086
	expect "after SIG$1 it goes on" 0 '*' '' train $long --save=cut.npz --log=cut.csv --resume
	prints "after SIG$1 to the same numbers" "$straight" "$SYMGRAD" run fit.sg N=50 w=@cut.npz:w
	judge "after SIG$1 with a whole log" "$(test "$(wc -l <cut.csv)" = 13; echo $?)"
	judge "SIG$1 leaves no other file" "$(ls .cut* >/dev/null 2>&1; test $? != 0; echo $?)"
}
interrupt TERM 143
interrupt KILL 137
# timeout(1) sends its signal twice in a moment, to the process and to its group. What follows is of a
# stop within an epoch: one that chanced upon the end of an epoch does not serve.
for _ in 1 2 3 4 5 6 7 8; do
	cut 'TERM TERM' --epochs=999999
	steps=$(sed -n 's/.* after \([0-9]*\) steps; .*/\1/p' "$work/err")
	test -n "$steps" && test $((steps % 30000)) = 0 || break
done
says 'a signal that comes twice at once is one' \
	'stopped in epoch [0-9]* of 999999, after [0-9]* steps; --resume goes on from here'
printf 'dim n\noutput ones([n]) as x\n' | "$SYMGRAD" run - n=30000 -o ones.npz
# shellcheck disable=SC2086
expect 'within an epoch other data can not go on' 1 '' '*' train $long --save=cut.npz --resume x=@ones.npz
says 'and is named' "cut.npz was written within an epoch of other data: input 'x' is not what it was"
# shellcheck disable=SC2086
expect 'nor other batches' 1 '' '*' train $long --save=cut.npz --resume --batch=2
says 'which are named too' 'within an epoch, with --batch=1 --seed=1'

# ---- the bar, on a terminal of 40 columns: no line of it is longer
if script -qec true /dev/null >/dev/null 2>&1 </dev/null; then
	script -qec "stty cols 40; '$SYMGRAD' train $long --epochs=3" tty </dev/null >/dev/null
	tr '\r' '\n' <tty | sed -n 's/.\[K$//; /^epoch/p' >bar
	grep -q 'loss' bar && awk 'length > 39 { exit 1 }' bar
	judge 'the bar keeps to the width of the terminal' $?
fi

# ---- what goes wrong
expect 'no such loss' 1 '' '*' train fit.sg --loss=los
says 'is told, with what was meant' "did you mean 'loss'"
expect 'a loss that is none' 1 '' '*' train fit.sg --loss=y N=3
says 'is told where it is' 'fit.sg:4:1: error: a loss is one number, not f32\[N\]'
says 'with what to do' 'hint: sum(y) or mean(y) is one'
expect 'no loss at all' 1 '' '*' train rows.sg N=3
says 'is told' 'no .gradient. that says what is to be made small'
says 'with what to do' 'hint: name one of its values: --loss=NAME'
expect 'a loss without params' 1 '' '*' train fit.sg --loss=x
expect 'data that is missing' 1 '' '*' train net.sg 'x=[[1, 2, 3]]'
says 'is named' "needs a value for y f64 \[N\]"
expect 'data that does not fit' 1 '' '*' train net.sg 'x=[[1, 2, 3]]' 'y=[1, 2]'
expect 'a loss that leaves the numbers' 3 '' '*' train rows.sg --loss=loss N=3 scale=inf
says 'is told when' 'the loss is nan in epoch 1 (step 1)'
says 'and where it is not' 'hint: look for it in the data and the initial values'
expect 'a loss that is data' 1 '' '*' train fit.sg --loss=w
says 'is told what it is' "'w' is a param; a loss is computed"

# The root's slope at 0 is infinite: the first loss is a number, those after it are none.
cat >root.sg <<'END'
param w = 0.0
gradient sqrt(w) + w as loss wrt w
END
for epochs in 1 3; do
	expect "a step to no number, $epochs" 3 '' '*' train root.sg --epochs=$epochs --save=root.npz --plot=root.svg
	prints 'leaves the params from before it' 'loss = 0.0' sh -c "'$SYMGRAD' run root.sg w=@root.npz:w | sed 1q"
	judge 'and a picture of the way there' "$(grep -q '<polyline' root.svg; echo $?)"
done
expect 'L-BFGS without a slope' 3 '' '*' train root.sg --optimizer=lbfgs
cat >names.sg <<'END'
param epochs = 1.0, train = 2.0, grad_train = 3.0
gradient epochs**2 + train**2 + grad_train**2 as loss wrt params
END
prints 'params are printed under any name' '{"loss": 14, "epochs": 1, "train": 2, "grad_train": 3}' \
	"$SYMGRAD" train names.sg --epochs=1 --lr=0 --format=json
prints 'a param that is the loss once' '{"epochs": 1, "w": 2}' sh -c \
	"printf 'param w = 2.0\ngradient w wrt w\n' | '$SYMGRAD' train - --epochs=1 --lr=0 --format=json"
for wrong in --optimizer=best --lr=-1 --lr=x --beta1=1 --epochs=0 --batch=0 --save=w.txt --plot=w.png --batch-dim=N ENTRY; do
	expect "$wrong" 2 '' '*' train fit.sg N=3 $wrong
done

# ---- files that are no place for others
cp net.sg kept.sg
expect 'data for the log' 0 '*' '' train net.sg 'x=[[1, 2, 3]]' 'y=[1]' --epochs=1 --save=kept.npz
printf 'x0,x1,x2\n1,2,3\n' >kept.csv
cp kept.csv kept2.csv
cp kept.npz kept2.npz
for wrong in --log=- '--save=fresh.npz --log=fresh.npz' '--save=kept.npz --log=./kept.npz' '--plot=p.svg --log=p.svg' \
	--log=kept.sg --log=kept.csv --log=./kept.csv; do
	# shellcheck disable=SC2086
	expect "$wrong" 2 '' '*' train kept.sg x=@kept.csv y='[1]' --epochs=1 $wrong
done
says 'tells what would be lost' "error: --log would overwrite './kept.csv', which is read"
test ! -e ./- && test ! -e fresh.npz && cmp -s kept.csv kept2.csv && cmp -s kept.npz kept2.npz && cmp -s net.sg kept.sg
judge 'and nothing is written' $?
expect 'data in the file to keep' 2 '' '*' train kept.sg x='[[1, 2, 3], [1, 2, 3], [1, 2, 3]]' y=@kept.npz:w --save=kept.npz --epochs=1
says 'is told' "--save would overwrite 'kept.npz', which data is read from"
cmp -s kept.npz kept2.npz
judge 'and is still there' $?
expect 'params may begin there' 0 '*' '' train kept.sg x='[[1, 2, 3]]' 'y=[1]' w=@kept.npz:w --save=kept.npz --epochs=1

expect 'a folder that is not there' 1 '' '*' train fit.sg N=3 --save=none/w.npz
says 'is told before the work' "cannot write 'none/w.npz'"
expect 'no place for the picture' 1 '' '*' train fit.sg N=3 --plot=none/w.svg
says 'is told before the work too' "cannot write 'none/w.svg'"
ln -s /proc/self/fd/1 stdout.csv
echo before >all
"$SYMGRAD" train net.sg 'x=[[1, 2, 3]]' 'y=[1]' --epochs=2 --log=stdout.csv >>all
test -L stdout.csv && test "$(sed -n '1p;2p' all | tr '\n' ' ')" = 'before epoch,loss,gradient_norm,seconds '
judge 'a link to what is open stays one, and is written to' $?
expect 'a disk that is full' 1 '' '*' train fit.sg N=3 --log=/dev/full
finish
