#include "alerting/route_text.h"

#include <algorithm>

#include "alerting/matcher_parser.h"
#include "alerting/route.h"

namespace tocsin::alerting {
namespace {

struct Node {
  std::string text;
  std::vector<Node> children;
};

// The spaces beside a bar do not break, as in the trees that amtool prints.
void Draw(const std::vector<Node>& nodes, const std::string& indent, std::string& out) {
  for (size_t i = 0; i < nodes.size(); ++i) {
    const bool last = i + 1 == nodes.size();
    out += indent + (last ? "└── " : "├── ") + nodes[i].text + "\n";
    Draw(nodes[i].children, indent + (last ? "    " : "│\u00a0\u00a0 "), out);
  }
}

std::string DrawTree(Node root) {
  std::string out = ".\n";
  Draw({std::move(root)}, "", out);
  return out;
}

std::string Title(const Route& route) {
  return route.matchers.empty() ? "default-route" : FormatMatchers(route.matchers);
}

Node All(const Route& route) {
  Node node{Title(route), {}};
  if (route.keep_going) node.text += "  continue: true";
  node.text += "  receiver: " + route.receiver;
  for (const auto& child : route.children) node.children.push_back(All(*child));
  return node;
}

// What `taken` is reached through; routes that lead nowhere are left out.
bool Matching(const Route& route, const std::vector<const Route*>& taken, Node* out) {
  out->text = Title(route);
  const bool is_taken = std::find(taken.begin(), taken.end(), &route) != taken.end();
  if (is_taken) out->text += "  receiver: " + route.receiver;
  for (const auto& child : route.children) {
    Node node;
    if (Matching(*child, taken, &node)) out->children.push_back(std::move(node));
  }
  return is_taken || !out->children.empty();
}

}  // namespace

std::string ShowRoutes(const AlertmanagerConfig& config) {
  return DrawTree(All(RouteTree(config.route).root()));
}

std::string ShowMatchingRoutes(const AlertmanagerConfig& config, const Labels& labels) {
  const RouteTree tree(config.route);
  Node root;
  Matching(tree.root(), tree.Match(labels), &root);
  return DrawTree(std::move(root));
}

std::vector<std::string> FindReceivers(const AlertmanagerConfig& config, const Labels& labels) {
  const RouteTree tree(config.route);
  std::vector<std::string> out;
  for (const Route* route : tree.Match(labels)) out.push_back(route->receiver);
  return out;
}

}  // namespace tocsin::alerting
