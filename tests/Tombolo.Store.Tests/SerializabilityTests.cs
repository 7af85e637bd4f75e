// SPDX-License-Identifier: MIT
namespace Tombolo.Store.Tests;

/// <summary>Every interleaving of small programs: what the committed ones saw and left must be what some order of them, one after the other, would have seen and left.</summary>
public sealed class SerializabilityTests
{
    /// <summary>One step: read, write what was read last with a letter added, list, remove.</summary>
    private readonly record struct Step(char Kind, string Path);

    private sealed record Script(string Name, bool IsTransaction, Step[] Steps)
    {
        public int Length => Steps.Length + (IsTransaction ? 2 : 0);
        public override string ToString() => $"{Name}{(IsTransaction ? "[" : "(")}{string.Join(' ', Steps.Select(step => $"{step.Kind}{step.Path}"))}{(IsTransaction ? "]" : ")")}";
    }

    public static TheoryData<string, string, string> KnownPrograms => new()
    {
        { "[r/x w/y]", "[r/y w/x]", "" },                  // write skew: one of them must fail
        { "[r/x w/x]", "[r/x w/x]", "[r/x w/x]" },         // lost update
        { "[l/d w/d/a]", "[l/d w/d/b]", "(w/d/c)" },       // phantoms
        { "[r/d/p/q w/x]", "[w/d/p/q]", "(k/d)" },         // what was missing appears
        { "[w/d/p/a w/d/p/b]", "(k/d/p)", "[r/d/p/a r/d/p/b]" },
        { "[r/x r/y]", "[w/x w/y]", "(w/y)" },             // a reader sees both or neither
        { "[k/d w/d/z]", "[w/d/n]", "[l/d]" },
        { "[w/x]", "[w/x]", "(k/x)" },
    };

    [Theory]
    [MemberData(nameof(KnownPrograms))]
    public void EveryInterleaving_OfKnownPrograms_IsAsIfOneAfterTheOther(string first, string second, string third) =>
        CheckAll([.. new[] { first, second, third }.Where(text => text.Length > 0).Select((text, i) => Parse($"{(char)('A' + i)}", text))]);

    [Fact]
    [Trait("Speed", "slow")]
    public void EveryInterleaving_OfManyRandomPrograms_IsAsIfOneAfterTheOther()
    {
        Random random = new(20261121);
        string[] paths = ["/x", "/d", "/d/a", "/d/p/q", "/d/p"];
        for (int round = 0; round < 150; round++)
        {
            List<Script> scripts = [];
            for (int i = 0; i < 2 + (round % 2); i++)
            {
                Step[] steps = [.. Enumerable.Range(0, random.Next(1, round % 2 == 0 ? 5 : 3)).Select(_ => new Step("rwwlk"[random.Next(5)], paths[random.Next(paths.Length)]))];
                scripts.Add(new($"{(char)('A' + i)}", random.Next(4) > 0, steps));
            }
            CheckAll(scripts);
        }
    }

    private static void CheckAll(List<Script> scripts)
    {
        int commits = 0;
        foreach (int[] order in Interleavings([.. scripts.Select(script => script.Length)])) commits += Check(scripts, order);
        commits.ShouldBePositive();
    }

    private static int Check(List<Script> scripts, int[] order)
    {
        StoreEngine engine = new(new(), new OpenSink());
        MemorySession setUp = new(engine), watcher = new(engine);
        Model start = new();
        foreach ((string path, string value) in new[] { ("/x", "0"), ("/y", "0"), ("/d/a", "0") })
        {
            setUp.Write(path, value);
            start.Write(path, value);
        }
        watcher.Watch("/");
        _ = watcher.Events;
        Run[] runs = [.. scripts.Select(script => new Run(script, new(engine)))];
        foreach (int who in order)
        {
            runs[who].Advance();
            string[] events = [.. watcher.Events.Select(text => text.Split(' ')[0])];
            events.ShouldBe(runs[who].JustChanged, $"{string.Join(' ', scripts)} in the order {string.Join("", order)}: events");
        }
        Run[] done = [.. runs.Where(run => run.IsCommitted)];
        string state = string.Join(';', start.Paths.Concat(runs.SelectMany(run => run.Script.Steps.Select(step => step.Path))).Distinct().Order(StringComparer.Ordinal).Select(path => $"{path}={setUp.Read(path)}"));
        // A single request is a transaction of its own.
        List<(Run Run, int From, int To)> units = [];
        foreach (Run run in done)
        {
            if (run.Script.IsTransaction) units.Add((run, 0, run.Script.Steps.Length));
            else for (int i = 0; i < run.Script.Steps.Length; i++) units.Add((run, i, i + 1));
        }
        Permutations(units).Any(serial => IsExplainedBy(serial, start, state)).ShouldBeTrue(
            $"{string.Join(' ', scripts)} in the order {string.Join("", order)}: no order explains {string.Join(", ", done.Select(run => $"{run.Script.Name} saw {string.Join('|', run.Saw)}"))} and {state}");
        if (runs.All(run => run.Script.IsTransaction)) done.Length.ShouldBePositive("the first to commit must succeed");
        return done.Length;
    }

    private static bool IsExplainedBy(IEnumerable<(Run Run, int From, int To)> serial, Model start, string state)
    {
        Model model = start.Copy();
        Dictionary<Run, (int Next, string Last)> at = [];
        foreach ((Run run, int from, int to) in serial)
        {
            (int next, string last) = at.GetValueOrDefault(run, (0, ""));
            if (next != from) return false;   // a program's own requests keep their order
            for (int i = from; i < to; i++)
            {
                string saw = model.Do(run.Script.Steps[i], run.Script.Name, ref last);
                if (saw != run.Saw[i]) return false;
            }
            at[run] = (to, last);
        }
        return state == string.Join(';', state.Split(';').Select(pair => pair.Split('=')[0]).Select(path => $"{path}={model.Read(path)}"));
    }

    /// <summary>A program under way.</summary>
    private sealed class Run(Script script, MemorySession session)
    {
        private readonly List<string> _changed = [];
        private int _next;
        private uint _transaction;
        private string _last = "";

        public Script Script => script;
        public List<string> Saw { get; } = [];
        public bool IsCommitted { get; private set; } = !script.IsTransaction;
        public string[] JustChanged { get; private set; } = [];

        public void Advance()
        {
            JustChanged = [];
            int at = script.IsTransaction ? _next - 1 : _next;
            if (script.IsTransaction && _next == 0) _transaction = session.Begin();
            else if (at == script.Steps.Length)
            {
                string answer = session.End(_transaction);
                IsCommitted = answer == "OK";
                if (!IsCommitted) answer.ShouldBe("!EAGAIN");
                else JustChanged = [.. _changed];
            }
            else
            {
                int before = _changed.Count;
                Saw.Add(Do(script.Steps[at]));
                if (!script.IsTransaction) JustChanged = [.. _changed.Skip(before)];
            }
            _next++;
        }

        private string Do(Step step)
        {
            switch (step.Kind)
            {
                case 'r': return _last = session.Read(step.Path, _transaction);
                case 'l': return session.List(step.Path, _transaction);
                case 'w':
                    string answer = session.Write(step.Path, Model.Next(_last, script.Name), _transaction);
                    if (!_changed.Contains(step.Path) || !script.IsTransaction) _changed.Add(step.Path);
                    return answer;
                default:
                    bool isThere = session.Read(step.Path, _transaction) != "!ENOENT";
                    string reply = session.Remove(step.Path, _transaction);
                    if (isThere) _changed.Add(step.Path);
                    return reply;
            }
        }
    }

    /// <summary>The store as a dictionary, one program at a time.</summary>
    private sealed class Model
    {
        private readonly SortedDictionary<string, string> _values = new(StringComparer.Ordinal) { ["/"] = "" };

        public IEnumerable<string> Paths => _values.Keys;

        public static string Next(string last, string name) => (last.StartsWith('!') ? "" : last) + name;

        public Model Copy()
        {
            Model copy = new();
            foreach ((string path, string value) in _values) copy._values[path] = value;
            return copy;
        }

        public string Read(string path) => _values.GetValueOrDefault(path, "!ENOENT");

        public void Write(string path, string value)
        {
            for (int at = path.IndexOf('/', 1); at > 0; at = path.IndexOf('/', at + 1)) _ = _values.TryAdd(path[..at], "");
            _values[path] = value;
        }

        public string Do(Step step, string name, ref string last)
        {
            switch (step.Kind)
            {
                case 'r': return last = Read(step.Path);
                case 'w':
                    Write(step.Path, Next(last, name));
                    return "OK";
                case 'l':
                    return !_values.ContainsKey(step.Path) ? "!ENOENT" : string.Join('|', _values.Keys.Where(path => path.StartsWith(step.Path + "/", StringComparison.Ordinal) && path.IndexOf('/', step.Path.Length + 1) < 0).Select(path => path[(step.Path.Length + 1)..]));
                default:
                    string parent = step.Path[..Math.Max(1, step.Path.LastIndexOf('/'))];
                    if (!_values.ContainsKey(step.Path)) return _values.ContainsKey(parent) ? "OK" : "!ENOENT";
                    foreach (string path in _values.Keys.Where(path => path == step.Path || path.StartsWith(step.Path + "/", StringComparison.Ordinal)).ToArray()) _ = _values.Remove(path);
                    return "OK";
            }
        }
    }

    private static IEnumerable<int[]> Interleavings(int[] left)
    {
        int total = left.Sum();
        int[] order = new int[total];
        return Fill(0);

        IEnumerable<int[]> Fill(int at)
        {
            if (at == total)
            {
                yield return order;
                yield break;
            }
            for (int who = 0; who < left.Length; who++)
            {
                if (left[who] == 0) continue;
                left[who]--;
                order[at] = who;
                foreach (int[] one in Fill(at + 1)) yield return one;
                left[who]++;
            }
        }
    }

    private static IEnumerable<IEnumerable<T>> Permutations<T>(IReadOnlyList<T> items)
    {
        if (items.Count == 0) return [[]];
        return Enumerable.Range(0, items.Count).SelectMany(i => Permutations([.. items.Take(i), .. items.Skip(i + 1)]).Select(rest => rest.Prepend(items[i])));
    }

    private static Script Parse(string name, string text) =>
        new(name, text[0] == '[', [.. text[1..^1].Split(' ').Select(word => new Step(word[0], word[1..]))]);
}
