// SPDX-License-Identifier: MIT
using System.Text;
using FsCheck;
using FsCheck.Fluent;

namespace Tombolo.Store.Tests;

/// <summary>The children of a node against a plain sorted dictionary.</summary>
public sealed class NodeMapTests
{
    [Fact]
    public void AnySequence_OfPutsAndRemovals_GivesWhatADictionaryGives_AndLeavesOldMapsAlone() =>
        Prop.ForAll(Gen.Choose(0, 400).Zip(Gen.Choose(0, 2)).ListOf(600).ToArbitrary(), steps =>
        {
            NodeMap map = NodeMap.Empty;
            SortedDictionary<string, int> model = new(StringComparer.Ordinal);
            List<(NodeMap Map, string[] Names)> old = [];
            int stamp = 0;
            foreach ((int number, int kind) in steps)
            {
                string name = $"n{number}";
                byte[] bytes = Encoding.ASCII.GetBytes(name);
                if (kind == 0)
                {
                    map = map.Without(bytes);
                    _ = model.Remove(name);
                }
                else
                {
                    map = map.Put(StoreNode.Create(bytes, [], StoreTree.Empty.Permissions, (ulong)++stamp));
                    model[name] = stamp;
                }
                if (number % 50 == 0) old.Add((map, [.. model.Keys]));
                if ((map.Find(bytes)?.ValueStamp ?? 0) != (ulong)model.GetValueOrDefault(name)) return false;
            }
            old.Add((map, [.. model.Keys]));
            return old.All(one => Names(one.Map, 0).SequenceEqual(one.Names) && one.Map.Count == one.Names.Length && Names(one.Map, 7).SequenceEqual(one.Names.Skip(7)));
        }).QuickCheckThrowOnFailure();

    private static IEnumerable<string> Names(NodeMap map, int from) => map.From(from).Select(node => Encoding.ASCII.GetString(node.Name));
}
