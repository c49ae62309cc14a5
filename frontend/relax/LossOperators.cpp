#include "frontend/relax/OperatorBuilder.h"

#include <utility>

namespace acadlc::tir {

using namespace workload;

namespace {

/// A local or, if \p isResult, the output of \p type with the sum of all elements of \p source.
TensorRef sumOfAll(OperatorBuilder &builder, TensorRef source, const std::string &name,
                   bool isResult) {
  const TensorType from = builder.typeOf(source);
  const TensorType type{{}, from.elementType};
  const TensorRef sum = isResult ? builder.output(type) : builder.local(name, type);
  Stage stage(builder, name, sum);
  Indices read;
  for (const std::int64_t extent : from.shape)
    read.push_back(stage.reduction(extent));
  stage.store({}, stage.load(source, read), from.shape.empty() ? Combiner::None : Combiner::Sum);
  return sum;
}

/// −Σ p · t, divided by the number of rows if there are rows.
void crossEntropy(OperatorBuilder &builder) {
  const TensorType data = builder.type(0);
  if (builder.shape(1) != data.shape || data.shape.empty())
    throw OperatorError("its predictions and labels differ in shape");
  const TensorRef products = builder.local("products", data);
  {
    Stage stage(builder, "multiply", products);
    const Indices out = stage.spatial(data.shape);
    ValueExprPtr left = stage.load(OperatorBuilder::input(0), out);
    stage.store(out, binary("*", std::move(left), stage.load(OperatorBuilder::input(1), out)));
  }
  const TensorRef sum = sumOfAll(builder, products, "sum", false);
  const TensorRef result = builder.output({{}, data.elementType});
  Stage stage(builder, "cross_entropy", result);
  ValueExprPtr value = unary("neg", stage.load(sum, {}));
  if (data.shape.size() > 1)
    value =
        binary("/", std::move(value), number(static_cast<double>(data.shape[0]), data.elementType));
  stage.store({}, std::move(value));
}

/// The predictions, targets and weights of a negative log likelihood.
struct LikelihoodForm {
  TensorType data;
  Shape targets;
  bool hasBatch = false;
  bool hasWeights = false;
};

LikelihoodForm likelihoodForm(const OperatorBuilder &builder) {
  LikelihoodForm form{builder.type(0), builder.shape(1)};
  const Shape &data = form.data.shape;
  form.hasBatch = data.size() > 1;
  form.hasWeights = builder.call().tensors.size() > 2;
  Shape wanted = data;
  if (!wanted.empty())
    wanted.erase(wanted.begin() + (form.hasBatch ? 1 : 0)); // the classes
  if (data.empty() || wanted != form.targets)
    throw OperatorError("its targets do not fit its predictions");
  if (form.hasWeights && builder.shape(2) != Shape{data[form.hasBatch ? 1 : 0]})
    throw OperatorError("it has not one weight for each class");
  return form;
}

/// Stores, for each target, 0 if it is ignored and else what \p value makes of the class.
template <typename Value>
void storeByTarget(OperatorBuilder &builder, Stage &stage, const LikelihoodForm &form,
                   std::int64_t ignored, const Value &value) {
  const Indices out = stage.spatial(form.targets);
  const ValueExprPtr target = stage.load(OperatorBuilder::input(1), out);
  const ElementType targetType = builder.type(1).elementType;
  ValueExprPtr isCounted = binary("!=", target, number(static_cast<double>(ignored), targetType));
  stage.store(out, select(std::move(isCounted), value(out, indexRead(target)),
                          number(0, form.data.elementType)));
}

/// −w[t] · p[t] for each target t; their sum, or their mean weighted by w.
void likelihood(OperatorBuilder &builder) {
  const LikelihoodForm form = likelihoodForm(builder);
  const ElementType type = form.data.elementType;
  const std::string_view given = builder.text("reduction", form.hasWeights ? 3 : 2);
  const std::string_view reduction = given.empty() ? "mean" : given;
  const std::int64_t ignored = builder.integer("ignore_index", form.hasWeights ? 4 : 3, -100);
  if (reduction != "none" && reduction != "sum" && reduction != "mean")
    throw OperatorError("the reduction '" + std::string(reduction) + "'");
  const TensorType each{form.targets, type};
  const TensorRef losses =
      reduction == "none" ? builder.output(each) : builder.local("losses", each);
  {
    Stage stage(builder, "nll_loss", losses);
    storeByTarget(builder, stage, form, ignored, [&](Indices at, const IndexExprPtr &chosen) {
      at.insert(at.begin() + (form.hasBatch ? 1 : 0), chosen);
      ValueExprPtr value = unary("neg", stage.load(OperatorBuilder::input(0), at));
      return form.hasWeights
                 ? binary("*", std::move(value), stage.load(OperatorBuilder::input(2), {chosen}))
                 : value;
    });
  }
  if (reduction == "none")
    return;
  const TensorRef sum = sumOfAll(builder, losses, "sum", reduction == "sum");
  if (reduction == "sum")
    return;
  const TensorRef weights = builder.local("weights", each);
  {
    Stage stage(builder, "weights", weights);
    storeByTarget(builder, stage, form, ignored, [&](const Indices &, const IndexExprPtr &chosen) {
      return form.hasWeights ? stage.load(OperatorBuilder::input(2), {chosen}) : number(1, type);
    });
  }
  const TensorRef total = sumOfAll(builder, weights, "sum_of_weights", false);
  const TensorRef result = builder.output({{}, type});
  Stage stage(builder, "mean", result);
  ValueExprPtr dividend = stage.load(sum, {});
  stage.store({}, binary("/", std::move(dividend), stage.load(total, {})));
}

} // namespace

bool isLossOperator(std::string_view name) {
  return name == "nn.nll_loss" || name == "nn.cross_entropy_with_logits";
}

bool buildLossOperator(OperatorBuilder &builder) {
  if (!isLossOperator(builder.call().name))
    return false;
  builder.call().name == "nn.nll_loss" ? likelihood(builder) : crossEntropy(builder);
  return true;
}

} // namespace acadlc::tir
