import sys, time, torch, warnings
warnings.filterwarnings("ignore")
from ablatrix.workloads.prepare import prepare
from ablatrix.workloads.oracle import Oracle
import ablatrix.workloads.prepare as P
from ablatrix.trials.worker.check import Comparison
from tests.workloads.toys import TOYS
torch.set_num_threads(1)
spent=[0.0]
orig=Oracle.answer
def timed(self,x):
    t=time.time(); r=orig(self,x); spent[0]+=time.time()-t; return r
Oracle.answer=timed
for name in (sys.argv[2:] or TOYS):
    par = TOYS[name] if sys.argv[1]=="toy" else {}
    spent[0]=0; t=time.time()
    p=prepare(name, par)
    t=time.time()-t
    for i,s in enumerate(p.input_sets):
        for a,e in zip(s.allowances,s.expected):
            err=a.limits.tolist()
            rms=float(e.square().mean().sqrt())
            print(name,i,tuple(e.shape),f"eager_rms {a.eager_rms/rms:.2e} unit {a.unit_rms/rms:.2e} x{a.unit_rms/max(a.eager_rms,1e-300):.1f} limits {[f'{x/rms:.1e}' for x in err]} und {len(a.undetermined)} wrong {a.eager_wrong} ill {a.ill_conditioned}")
    c=Comparison(rms_factor=2,rms_floor=1e-6,input_sets=3)
    tc=time.time()
    for i,s in enumerate(p.input_sets):
        with torch.no_grad(): outs=p.lowered.module(check_guards=False)(*s.inputs)
        c.compare(outs,s,str(i))
    f=c.facts("x")
    print(name, f"total {t:.2f}s oracle {spent[0]:.2f}s", "rms_ratio",f.rms_ratio,"worst",f.worst_ratio,"allowed/eager",f.allowed_over_eager,f.ok,f.note)
