// SPDX-License-Identifier: MIT
// tombolo-fuzz [--seconds N] [--seed N] [--corpus FOLDER] [--findings FOLDER] [--grow] [TARGET…]   fuzz every target, or those named, N seconds each
// tombolo-fuzz --replay FILE TARGET                                                             run one input and let it break
// tombolo-fuzz --list
// With --grow, inputs with outcomes not seen before are added to the corpus folder.
using System.Globalization;
using Tombolo.Fuzz;

var given = new Dictionary<string, string>(StringComparer.Ordinal);
var names = new List<string>();
for (int at = 0; at < args.Length; at++)
{
    if (!args[at].StartsWith("--", StringComparison.Ordinal)) names.Add(args[at]);
    else if (args[at] is "--list" or "--grow") given[args[at]] = "";
    else if (args[at] is "--seconds" or "--seed" or "--corpus" or "--findings" or "--replay" && at + 1 < args.Length) given[args[at]] = args[++at];
    else return Wrong($"unknown option '{args[at]}'");
}
string[] unknown = [.. names.Except(FuzzTargets.Names)];
if (unknown.Length > 0) return Wrong($"unknown target '{unknown[0]}'; there are {string.Join(", ", FuzzTargets.Names)}");
if (given.ContainsKey("--list"))
{
    foreach (string name in FuzzTargets.Names) Console.WriteLine(name);
    return 0;
}
if (given.TryGetValue("--replay", out string? file))
{
    if (names.Count != 1) return Wrong("--replay needs one target");
    using IFuzzTarget target = FuzzTargets.Create(names[0]);
    Console.WriteLine(target.Run(File.ReadAllBytes(file)));
    return 0;
}
int seconds = int.Parse(given.GetValueOrDefault("--seconds", "20"), CultureInfo.InvariantCulture);
int seed = given.TryGetValue("--seed", out string? text) ? int.Parse(text, CultureInfo.InvariantCulture) : Random.Shared.Next();
string corpus = given.GetValueOrDefault("--corpus", "fuzz/corpus"), findings = given.GetValueOrDefault("--findings", "artifacts/fuzz");
bool isWhole = true;
foreach (string name in names.Count > 0 ? names : FuzzTargets.Names)
{
    using IFuzzTarget target = FuzzTargets.Create(name);
    string folder = Path.Combine(corpus, name);
    byte[][] known = Directory.Exists(folder) ? [.. Directory.GetFiles(folder).Order(StringComparer.Ordinal).Select(File.ReadAllBytes)] : [];
    isWhole &= new FuzzLoop(target, seed, findings).Run(known, TimeSpan.FromSeconds(seconds), input =>
    {
        if (!given.ContainsKey("--grow")) return;
        _ = Directory.CreateDirectory(folder);
        File.WriteAllBytes(Path.Combine(folder, FuzzLoop.NameOf(input)), input);
    });
}
return isWhole ? 0 : 1;

static int Wrong(string reason)
{
    Console.Error.WriteLine($"tombolo-fuzz: {reason}.");
    return 2;
}
